"""Tests of retention, erasure and export of personal data."""
