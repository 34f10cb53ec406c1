"""Fixtures: the keys that encrypt API keys, and a server of faulty models."""

from urllib.parse import urlsplit

import pytest
from cryptography.fernet import Fernet
from llmock.pytest_plugin import LLMock
from pytest_django import Settings


@pytest.fixture(autouse=True)
def ai_keys(settings: Settings) -> list[str]:
    """The keys in ``AI_KEYS``: one."""
    settings.AI_KEYS = [Fernet.generate_key().decode()]
    return list(settings.AI_KEYS)


@pytest.fixture
def model_server(llmock: LLMock, settings: Settings) -> LLMock:
    """The server of models, to which the service may connect. It answers with a sentence."""
    settings.AI_ALLOWED_ADDRESSES = [urlsplit(llmock.url).netloc]
    llmock.tool_mode("off")
    return llmock
