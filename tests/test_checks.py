"""The messages of ``manage.py check --deploy`` for the variables of a production process."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from tests.support.environment import PRODUCTION, settings_from


def check_deployment(**environment: str) -> None:
    """Raise ``SystemCheckError`` if the settings have an error or a warning."""
    with settings_from(**environment):
        call_command("check", deploy=True, fail_level="WARNING")


def test_production_settings_pass_the_deployment_check(tmp_path: Path) -> None:
    (tmp_path / "staticfiles.json").touch()
    check_deployment(**PRODUCTION, STATIC_ROOT=str(tmp_path))


@pytest.mark.parametrize(
    ("variable", "value", "id_"),
    [
        ("ACCESS_TOKEN_MINUTES", "100000", "organizations.W001"),
        ("AI_ALLOWED_ADDRESSES", "http://llama:8080", "organizations.E004"),
        ("AI_KEYS", "short", "organizations.E003"),
        ("AI_KIND", "gemini", "organizations.E005"),
        ("AI_KIND", "openai", "organizations.E005"),
        ("ALLOWED_HOSTS", "", "security.W020"),
        ("CACHE_URL", "locmemcache://", "webchat_project.W002"),
        ("DEBUG", "true", "security.W018"),
        ("EMAIL_TIMEOUT", "0", "webchat_project.E003"),
        ("EMAIL_URL", "smtp://mail.example.com", "webchat_project.E004"),
        ("JWT_SIGNING_KEY", "short", "organizations.E002"),
        ("JWT_SIGNING_KEY_FALLBACKS", "short", "organizations.E002"),
        ("LOG_FORMAT", "xml", "observability.E001"),
        ("MAX_BODY_BYTES", "-5", "webchat_project.E003"),
        ("METRICS_TOKEN", "a-token-of-enough-characters", "observability.W001"),
        ("METRICS_TOKEN", "short", "observability.E002"),
        ("RATE_LIMIT_ADDRESS", "many", "webchat_project.E001"),
        ("RATE_LIMIT_SIGN_IN", "5/fortnight", "webchat_project.E001"),
        ("RATE_LIMIT_SIGN_IN", "5/5", "webchat_project.E001"),
        ("REQUESTS_PER_ORGANIZATION", "1", "webchat_project.E003"),
        ("REQUESTS_PER_ORGANIZATION", "9", "webchat_project.W005"),
        ("SECRET_KEY", "   # make one: " + "k9" * 40, "webchat_project.E002"),
        ("SECRET_KEY", "short", "security.W009"),
        ("SENTRY_DSN", "nonsense", "observability.E003"),
        ("SESSION_HOURS", "0", "webchat_project.E003"),
        ("STATIC_ROOT", "/nonexistent", "webchat_project.W001"),
        ("TRUSTED_PROXIES", "-1", "webchat_project.E003"),
        ("TRUSTED_PROXIES", "0", "webchat_project.W003"),
        ("VAPID_PRIVATE_KEY", "key", "conversations.W001"),
        ("VAPID_SUBJECT", "mailto:ops@example.com", "conversations.W001"),
        ("WIDGET_SESSION_DAYS", "0", "webchat_project.E003"),
    ],
)
def test_dangerous_setting_is_reported(variable: str, value: str, id_: str, tmp_path: Path) -> None:
    (tmp_path / "staticfiles.json").touch()
    environment = {**PRODUCTION, "STATIC_ROOT": str(tmp_path), variable: value}
    with pytest.raises(SystemCheckError) as error:
        check_deployment(**environment)
    assert f"({id_})" in str(error.value)


@pytest.mark.parametrize(
    ("environment", "id_"),
    [
        ({"ALLOWED_HOSTS": "*.example.com"}, "webchat_project.E005"),
        ({"BASE_URL": "chat.example.com"}, "webchat_project.E005"),
        ({"EMAIL_URL": "smtp://user:secret@mail.example.com"}, "webchat_project.W004"),
        ({}, ""),
    ],
    ids=str,
)
def test_settings_for_email_are_checked(
    environment: dict[str, str], id_: str, tmp_path: Path
) -> None:
    (tmp_path / "staticfiles.json").touch()
    configured = {
        **PRODUCTION,
        "STATIC_ROOT": str(tmp_path),
        "EMAIL_URL": "smtp+tls://user:secret@mail.example.com",
        "DEFAULT_FROM_EMAIL": "Webchats <webchats@example.com>",
    }
    if not id_:
        check_deployment(**configured)
        return
    with pytest.raises(SystemCheckError) as error:
        check_deployment(**{**configured, **environment})
    assert f"({id_})" in str(error.value)
