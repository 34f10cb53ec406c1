"""No secret of a request, an exception or the settings is logged."""

import logging
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError
from django.test import Client
from django.utils.module_loading import import_string
from rest_framework.test import APIClient

from organizations.auth.refresh_tokens import RefreshToken
from organizations.auth.tokens import AccessToken
from organizations.models import User
from tests.observability.conftest import Log
from tests.support import factories
from tests.support.environment import load_settings
from webchat_project.observability.formatters import LineFormatter
from webchat_project.observability.redaction import redacted
from webchats.conversations.sessions import issue_ticket, start_session
from webchats.icons.storage import signed_url
from webchats.models import Webchat
from webchats.views import WebchatViewSet

pytestmark = pytest.mark.django_db

SECRET = "xyzzy-plugh-42"


def fail(*arguments: Any, **options: Any) -> None:
    raise RuntimeError("unhandled")


def test_no_secret_of_a_request_is_logged(
    api: Any, admin: User, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = f"wck_{SECRET}"
    factories.ApiKeyFactory.create(user=admin, secret=key)
    access, refresh = str(AccessToken.for_user(admin)), str(RefreshToken.for_user(admin))
    environ: dict[str, Any] = {
        "HTTP_COOKIE": f"sessionid={SECRET}; csrftoken={SECRET}",
        "HTTP_X_API_KEY": SECRET,
        "HTTP_REFERER": f"https://example.com/?token={SECRET}",
        "HTTP_USER_AGENT": SECRET,
    }
    monkeypatch.setattr(WebchatViewSet, "retrieve", fail)
    for credential in (key, access, f"{access[:-1]}!", f"{key}-no", SECRET):
        client = APIClient(raise_request_exception=False, **environ)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {credential}")
        client.get(f"/api/webchats/{'0' * 24}?signature={SECRET}")
        client.post(f"/api/webchats?token={SECRET}", {"name": SECRET, "password": SECRET})
        client.post("/api/auth/logout", {"refreshToken": f"{refresh}x"})
    public = APIClient(raise_request_exception=False, **environ)
    public.post("/api/auth/login", {"email": admin.email, "password": SECRET})
    public.post("/api/auth/refresh", {"refreshToken": refresh})
    public.post("/api/auth/refresh", {"refreshToken": refresh})
    public.post("/api/webchats", f'{{"password": "{SECRET}"', content_type="application/json")
    staff = Client(raise_request_exception=False, **environ)
    staff.post("/admin/login/", {"username": admin.email, "password": SECRET})
    staff.get(f"/{SECRET}?token={SECRET}")
    staff.get(f"/api/webchats?{SECRET}", HTTP_HOST=f"{SECRET}.example.com")
    url = signed_url(f"orgs/{admin.organization_id}/webchat/a.png")
    staff.get(url)
    staff.get(f"{url}{SECRET}")

    assert len(log.requests) == 24
    assert any(line["status"] == 500 for line in log.requests)
    text = log.text.replace(f"{SECRET}.example.com", "")  # A disallowed host is logged.
    for secret in (SECRET, key, access, refresh, url.rpartition("=")[2], admin.email):
        assert secret not in text
    assert settings.SECRET_KEY not in text


def test_secret_in_an_exception_message_is_removed(
    api: Any, admin: User, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = str(AccessToken.for_user(admin))

    def leak(*arguments: Any, **options: Any) -> None:
        raise RuntimeError(
            f"refused: Bearer {SECRET}, {token}, wck_{SECRET}, {settings.SECRET_KEY}"
        )

    monkeypatch.setattr(WebchatViewSet, "retrieve", leak)
    api(admin, raise_request_exception=False).get(f"/api/webchats/{'0' * 24}")
    assert "refused: Bearer [removed], [removed], [removed], [removed]" in log.text
    for secret in (SECRET, token, settings.SECRET_KEY):
        assert secret not in log.text


def test_row_in_a_database_error_is_removed(log: Log) -> None:
    try:
        raise DatabaseError(f"null value\nDETAIL:  Failing row contains (1,\n\n{SECRET}).")
    except DatabaseError:
        logging.getLogger("anywhere").exception("It failed: %s", SECRET.upper())
    assert "null value" in log.text
    assert SECRET not in log.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://user:secret@host/db", "postgres://[removed]@host/db"),
        ("/icons/orgs/1/a.png?expires=5&signature=abc", "/icons/orgs/1/a.png?expires=5&signature="),
        ("https://x/?X-Amz-Credential=A&X-Amz-Signature=B", "X-Amz-Credential=[removed]&"),
        ("Authorization: Basic YTpiOmM=", "Authorization: Basic [removed]"),
        ("cookie: sessionid=abc; csrftoken=def", "sessionid=[removed]; csrftoken=[removed]"),
        ("no secret at https://example.com/a:b", "https://example.com/a:b"),
    ],
)
def test_texts_that_look_like_secrets_are_removed(text: str, expected: str) -> None:
    assert expected in redacted(text)
    assert "abc" not in redacted(text)


def test_tickets_and_tokens_of_visitors_are_removed() -> None:
    webchat = Webchat(id="a" * 24, allowed_domains=[])
    ticket = issue_ticket(webchat, "https://example.com")
    token = start_session(webchat, ticket).token
    assert redacted(f"ticket {ticket} token {token}") == "ticket [removed] token [removed]"


def test_redaction_of_many_token_prefixes_is_fast() -> None:
    # In quadratic time this would take hours.
    prefixes = "eyJ" * 1_000_000
    assert redacted(prefixes) == prefixes
    assert redacted(f"{prefixes}hbGciOiJIUzI1.eyJhYmMi.c2lnbmVk").endswith("[removed]")


def test_line_format_is_redacted(caplog: pytest.LogCaptureFixture) -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "key wck_%s", (SECRET,), None)
    assert SECRET not in LineFormatter().format(record)


@pytest.mark.parametrize(
    ("environment", "begins"),
    [
        ({"DEBUG": "false"}, "{"),
        ({"DEBUG": "true"}, "2"),
        ({"DEBUG": "false", "LOG_FORMAT": "line"}, "2"),
        ({"DEBUG": "true", "LOG_FORMAT": "json"}, "{"),
    ],
)
def test_production_logs_json_and_development_logs_lines(
    environment: dict[str, str], begins: str
) -> None:
    variables = {"SECRET_KEY": "k9" * 40, "ALLOWED_HOSTS": "x", **environment}
    logging_settings = load_settings(**variables)["LOGGING"]
    (handler,) = logging_settings["root"]["handlers"]
    name = logging_settings["handlers"][handler]["formatter"]
    formatter: logging.Formatter = import_string(logging_settings["formatters"][name]["()"])()
    record = logging.LogRecord("x", logging.WARNING, "", 0, "logged", (), None)
    line = formatter.format(record)
    assert line.startswith(begins)
    assert "logged" in line
