"""Ids of rows that are known to the processes of a test."""

PROVIDER_ID = "68f0a0b0c0d0e0f0a0b0c0d0"
#: One that is changed, so that it may have no API key, which prompts need.
CHANGED_PROVIDER_ID = "68f0a0b0c0d0e0f0a0b0c0d1"
