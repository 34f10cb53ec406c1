"""Fixtures of the tests of replies. Jobs are due at once."""

import pytest
from pytest_django import Settings

from organizations.models import User
from tests.support.ai_webchats import create_ai_webchat
from webchats.models import Webchat


@pytest.fixture(autouse=True)
def _no_debounce(settings: Settings) -> None:
    settings.AI_DEBOUNCE_SECONDS = 0


@pytest.fixture
def webchat(admin: User) -> Webchat:
    """A webchat that the AI answers, with autopilot."""
    return create_ai_webchat(admin)
