"""Fixtures: keys for API keys, and a server of faulty models."""

from tests.organizations.ai.conftest import ai_keys, model_server

__all__ = ["ai_keys", "model_server"]
