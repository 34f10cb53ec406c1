"""The API and the admin site log the same security events."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from organizations.auth.refresh_tokens import RefreshToken
from organizations.auth.tokens import AccessToken
from organizations.models import ApiKey, User
from tests.observability.conftest import Log
from tests.support import factories
from webchat_project.observability.security_log import account_digest

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


@pytest.fixture
def member(db: None) -> User:
    return factories.UserFactory.create(email="member@example.com", password=PASSWORD)


def sign_in_to_api(email: str, password: str) -> Any:
    return APIClient().post("/api/auth/login", {"email": email, "password": password})


def sign_in_to_admin_site(email: str, password: str) -> Any:
    return Client().post(reverse("admin:login"), {"username": email, "password": password})


INTERFACES = pytest.mark.parametrize("sign_in", [sign_in_to_api, sign_in_to_admin_site])


def get_events(log: Log) -> list[dict[str, Any]]:
    """Return the events without the fields that every record has."""
    common = ("time", "logger", "request_id")
    return [
        {name: value for name, value in event.items() if name not in common} for event in log.events
    ]


def warning(message: str, **fields: Any) -> dict[str, Any]:
    return {"level": "WARNING", "message": message, "address": "127.0.0.1", **fields}


@INTERFACES
@pytest.mark.parametrize("email", ["Member@example.com", "nobody@example.com"])
def test_failed_sign_in_is_logged(member: User, log: Log, sign_in: Any, email: str) -> None:
    sign_in(email, "a wrong password")
    assert get_events(log) == [warning("sign_in_failed", account=account_digest(email.lower()))]
    assert log.events[0]["request_id"] == log.requests[0]["request_id"]
    assert "a wrong password" not in log.text
    assert email.lower() not in log.text.lower()


@INTERFACES
def test_sign_in_of_a_deactivated_user_is_logged_as_failed(
    member: User, log: Log, sign_in: Any
) -> None:
    User.objects.update(is_active=False)
    sign_in(member.email, PASSWORD)
    assert get_events(log) == [warning("sign_in_failed", account=account_digest(member.email))]


@INTERFACES
def test_successful_sign_in_is_logged(member: User, log: Log, sign_in: Any) -> None:
    sign_in(member.email, PASSWORD)
    assert get_events(log) == [
        warning("signed_in", user=member.pk, organization=member.organization_id)
        | {"level": "INFO"}
    ]


@INTERFACES
@pytest.mark.parametrize("scope", ["sign_in_address", "sign_in_account"])
def test_throttled_sign_in_is_logged(
    member: User, log: Log, sign_in: Any, scope: str, throttle_rates: Any
) -> None:
    throttle_rates(**{"sign_in_new_address": "0/min", scope: "1/min"})
    sign_in(member.email, PASSWORD)
    assert sign_in(member.email, PASSWORD).status_code == 429
    known = {"account": account_digest(member.email)} if scope == "sign_in_account" else {}
    assert get_events(log)[1:] == [warning("rate_limited", limit=scope, **known)]


def test_throttled_user_is_logged(api: Any, admin: User, log: Log, throttle_rates: Any) -> None:
    throttle_rates(credential="1/min")
    assert [api(admin).get("/api/webchats").status_code for _ in range(2)] == [200, 429]
    assert get_events(log) == [warning("rate_limited", limit="credential", user=admin.pk)]


def test_forbidden_api_request_is_logged(api: Any, rep: User, log: Log) -> None:
    assert api(rep).post("/api/webchats", {}).status_code == 403
    assert get_events(log) == [warning("forbidden", user=rep.pk, route="/api/webchats")]


def test_forbidden_admin_request_is_logged(rep: User, log: Log) -> None:
    client = Client()
    client.force_login(rep)
    assert client.get("/admin/webchats/webchat/add/").status_code == 403
    assert get_events(log) == [
        warning("forbidden", user=rep.pk, route="/admin/webchats/webchat/add/")
    ]


def test_reused_refresh_token_is_logged(member: User, log: Log) -> None:
    sent = {"refreshToken": str(RefreshToken.for_user(member))}
    statuses = [APIClient().post("/api/auth/refresh", sent).status_code for _ in range(2)]
    assert statuses == [200, 401]
    assert get_events(log) == [warning("refresh_token_reused", user=member.pk)]


def test_refresh_token_used_in_parallel_is_logged(member: User, log: Log) -> None:
    first = RefreshToken.for_user(member)
    second = RefreshToken(str(first))  # type: ignore[arg-type]
    first.revoke()
    with pytest.raises(Exception, match="Invalid or expired token"):
        second.revoke()
    assert [event["message"] for event in log.events] == ["refresh_token_reused"]


def test_refresh_token_that_was_never_issued_is_logged(member: User, log: Log) -> None:
    sent = {"refreshToken": str(RefreshToken.for_user(member))}
    OutstandingToken.objects.all().delete()
    assert APIClient().post("/api/auth/refresh", sent).status_code == 401
    known = {"kind": "refresh_token", "reason": "unknown", "user": member.pk}
    assert get_events(log) == [warning("bad_credential", **known)]


def verify_token(credential: str) -> int:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {credential}")
    status: int = client.get("/api/auth/verify-token").status_code
    return status


def test_invalid_credential_is_logged(member: User, log: Log) -> None:
    factories.ApiKeyFactory.create(user=member, secret="wck_expired")
    past = timezone.now() - timedelta(days=1)
    ApiKey.objects.update(expires_at=past)
    with time_machine.travel(past):
        expired = str(AccessToken.for_user(member))
    ended = str(AccessToken.for_user(member))
    User.objects.update(is_active=False)
    for credential in ("nonsense", expired, ended, "wck_unknown", "wck_expired"):
        assert verify_token(credential) == 401
    key = ApiKey.objects.get().pk
    assert get_events(log) == [
        warning("bad_credential", kind="access_token", reason="invalid"),
        warning("bad_credential", kind="access_token", reason="expired"),
        warning("bad_credential", kind="access_token", reason="ended", user=member.pk),
        warning("bad_credential", kind="api_key", reason="invalid", api_key=None),
        warning("bad_credential", kind="api_key", reason="ended", api_key=key),
    ]


def test_request_without_credential_is_not_logged(log: Log, db: None) -> None:
    assert APIClient().get("/api/webchats").status_code == 401
    assert log.events == []


def test_api_and_admin_site_share_one_backend() -> None:
    assert settings.AUTHENTICATION_BACKENDS == ["organizations.auth.backends.PasswordBackend"]
