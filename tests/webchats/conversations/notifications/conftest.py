"""Fixtures: a VAPID key, and a push service to which the service may connect."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pytest_django import Settings

from organizations.ai import guard
from organizations.models import User
from tests.support.push_service import PushService, running_push_service
from tests.support.tls import make_tls
from webchats.conversations.models import PushSubscription
from webchats.conversations.notifications.vapid import generate_private_key


@pytest.fixture
def vapid(settings: Settings) -> None:
    """Web push is set up."""
    settings.VAPID_PRIVATE_KEY = generate_private_key()
    settings.VAPID_SUBJECT = "mailto:ops@example.com"


@pytest.fixture
def push_service(
    vapid: None, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[PushService]:
    """The push service of all devices."""
    server_context, client_context = make_tls("localhost", tmp_path)
    monkeypatch.setattr(guard, "get_ssl_context", lambda: client_context)
    with running_push_service(server_context) as service:
        settings.AI_ALLOWED_ADDRESSES = [urlsplit(service.origin).netloc]
        yield service


def add_device(service: PushService, user: User, name: str = "") -> PushSubscription:
    """Return a new device of the user. By default its name is the user's id."""
    device = service.add_device(name or user.pk)
    return PushSubscription.objects.create(user=user, endpoint=device.endpoint, **device.keys)
