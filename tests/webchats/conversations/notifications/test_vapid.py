"""The command that generates the key for web push."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from webchats.conversations.checks import check_vapid
from webchats.conversations.notifications.vapid import get_public_key


def test_the_printed_settings_are_valid(settings: Settings) -> None:
    output = StringIO()
    call_command("make_vapid_key", "ops@example.com", stdout=output)
    for line in output.getvalue().splitlines():
        name, _, value = line.partition("=")
        assert not getattr(settings, name)
        setattr(settings, name, value)
    assert settings.VAPID_SUBJECT == "mailto:ops@example.com"
    assert check_vapid() == []
    # 65 bytes in Base64.
    assert len(get_public_key() or "") == 87


def test_an_invalid_address_is_an_error() -> None:
    with pytest.raises(CommandError, match="'ops' is not an e-mail address"):
        call_command("make_vapid_key", "ops")
