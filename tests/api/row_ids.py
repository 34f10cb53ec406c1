"""Ids of rows that are known to the processes of a test."""

PROVIDER_ID = "68f0a0b0c0d0e0f0a0b0c0d0"
