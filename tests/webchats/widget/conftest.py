"""Fixtures of the widget's tests."""

import pytest

from tests.support import factories
from tests.webchats.widget.visitor import ALLOWED_DOMAINS
from webchats.models import Webchat


@pytest.fixture
def webchat() -> Webchat:
    """A webchat that ``SITE`` may embed, with internal texts that visitors must not see."""
    return factories.WebchatFactory.create(
        name="INTERNAL", description="INTERNAL", allowed_domains=ALLOWED_DOMAINS
    )
