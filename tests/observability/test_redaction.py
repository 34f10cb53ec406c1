"""No secret reaches a log, by whatever door it comes in."""

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError
from django.test import Client
from rest_framework.test import APIClient

from organizations.auth.tokens import AccessToken, RefreshToken
from organizations.models import User
from tests.observability.conftest import Log
from tests.support import factories
from webchat_project.observability.formatters import LineFormatter
from webchat_project.observability.redaction import redacted
from webchats.icons.storage import signed_url
from webchats.views import WebchatViewSet

pytestmark = pytest.mark.django_db

WORD = "xyzzy-plugh-42"
PASSWORD = "correct horse battery"


def fail(*arguments: Any, **options: Any) -> None:
    raise RuntimeError("nobody caught it")


def test_no_secret_of_a_request_is_logged(
    api: Any, admin: User, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = f"wck_{WORD}"
    factories.ApiKeyFactory.create(user=admin, secret=key)
    access, refresh = str(AccessToken.for_user(admin)), str(RefreshToken.for_user(admin))
    everywhere: dict[str, Any] = {
        "HTTP_COOKIE": f"sessionid={WORD}; csrftoken={WORD}",
        "HTTP_X_API_KEY": WORD,
        "HTTP_REFERER": f"https://example.com/?token={WORD}",
        "HTTP_USER_AGENT": WORD,
    }
    monkeypatch.setattr(WebchatViewSet, "retrieve", fail)
    for credential in (key, access, f"{access[:-1]}!", f"{key}-no", WORD):
        client = APIClient(raise_request_exception=False, **everywhere)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {credential}")
        client.get(f"/api/webchats/{'0' * 24}?signature={WORD}")
        client.post(f"/api/webchats?token={WORD}", {"name": WORD, "password": WORD})
        client.post("/api/auth/logout", {"refreshToken": f"{refresh}x"})
    public = APIClient(raise_request_exception=False, **everywhere)
    public.post("/api/auth/login", {"email": admin.email, "password": WORD})
    public.post("/api/auth/refresh", {"refreshToken": refresh})
    public.post("/api/auth/refresh", {"refreshToken": refresh})
    public.post("/api/webchats", f'{{"password": "{WORD}"', content_type="application/json")
    staff = Client(raise_request_exception=False, **everywhere)
    staff.post("/admin/login/", {"username": admin.email, "password": WORD})
    staff.get(f"/{WORD}?token={WORD}")
    staff.get(f"/api/webchats?{WORD}", HTTP_HOST=f"{WORD}.example.com")
    url = signed_url(f"orgs/{admin.organization_id}/webchat/a.png")
    staff.get(url)
    staff.get(f"{url}{WORD}")

    assert len(log.requests) == 24
    assert any(line["status"] == 500 for line in log.requests)
    text = log.text.replace(f"{WORD}.example.com", "")  # a refused host is told
    for secret in (WORD, key, access, refresh, url.rpartition("=")[2], admin.email):
        assert secret not in text
    assert settings.SECRET_KEY not in text


def test_secret_in_an_exception_message_is_removed(
    api: Any, admin: User, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = str(AccessToken.for_user(admin))

    def leak(*arguments: Any, **options: Any) -> None:
        raise RuntimeError(f"refused: Bearer {WORD}, {token}, wck_{WORD}, {settings.SECRET_KEY}")

    monkeypatch.setattr(WebchatViewSet, "retrieve", leak)
    api(admin, raise_request_exception=False).get(f"/api/webchats/{'0' * 24}")
    assert "refused: Bearer [removed], [removed], [removed], [removed]" in log.text
    for secret in (WORD, token, settings.SECRET_KEY):
        assert secret not in log.text


def test_row_in_a_database_error_is_removed(log: Log) -> None:
    try:
        raise DatabaseError(f"null value\nDETAIL:  Failing row contains (1,\n\n{WORD}).")
    except DatabaseError:
        logging.getLogger("anywhere").exception("It failed: %s", WORD.upper())
    assert "null value" in log.text
    assert WORD not in log.text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("postgres://user:secret@host/db", "postgres://[removed]@host/db"),
        ("/icons/orgs/1/a.png?expires=5&signature=abc", "/icons/orgs/1/a.png?expires=5&signature="),
        ("https://x/?X-Amz-Credential=A&X-Amz-Signature=B", "X-Amz-Credential=[removed]&"),
        ("Authorization: Basic YTpiOmM=", "Authorization: Basic [removed]"),
        ("cookie: sessionid=abc; csrftoken=def", "sessionid=[removed]; csrftoken=[removed]"),
        ("nothing to hide at https://example.com/a:b", "https://example.com/a:b"),
    ],
)
def test_texts_that_look_like_secrets_are_removed(text: str, left: str) -> None:
    assert left in redacted(text)
    assert "abc" not in redacted(text)


def test_redaction_of_many_token_prefixes_is_fast() -> None:
    # At the square of the length this would run for hours.
    beginnings = "eyJ" * 1_000_000
    assert redacted(beginnings) == beginnings
    assert redacted(f"{beginnings}hbGciOiJIUzI1.eyJhYmMi.c2lnbmVk").endswith("[removed]")


def test_line_format_is_redacted(caplog: pytest.LogCaptureFixture) -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "key wck_%s", (WORD,), None)
    assert WORD not in LineFormatter().format(record)


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
    environment: dict[str, str], begins: str, tmp_path: Path
) -> None:
    said = "import logging; logging.getLogger('x').warning('said')"
    command = [sys.executable, "manage.py", "shell", "-v0", "-c", said]
    result = subprocess.run(
        command,
        env={"SECRET_KEY": "k9" * 40, "PATH": "", "ALLOWED_HOSTS": "x"} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr.startswith(begins)
    assert "said" in result.stderr
