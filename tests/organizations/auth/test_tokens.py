"""Login, logout, and the validity of tokens."""

from datetime import timedelta
from typing import Any

import jwt
import pytest
import time_machine
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from organizations.auth.refresh_tokens import RefreshToken
from organizations.auth.tokens import AccessToken
from organizations.models import User
from tests.support import factories
from tests.support.authentication import (
    PASSWORD,
    request_login,
    request_refresh,
    request_status,
    sign,
)

pytestmark = pytest.mark.django_db


# --- Login ---


def test_member_signs_in(member: User) -> None:
    response = request_login()
    assert response.status_code == 200
    body = response.json()
    assert body.keys() == {"token", "refreshToken", "user"}
    assert body["user"] == {
        "id": member.pk,
        "email": "member@example.com",
        "fullName": member.full_name,
        "displayName": "Member",
        "organizationId": member.organization_id,
        "accessRole": "DEPARTMENT_HEAD",
    }
    assert request_status(body["token"]) == 200
    member.refresh_from_db()
    assert member.last_login is not None


def test_email_is_case_insensitive(member: User) -> None:
    assert request_login(" Member@EXAMPLE.com").status_code == 200


def test_superuser_signs_in(db: None) -> None:
    user = factories.SuperuserFactory.create(password=PASSWORD)
    body = request_login(user.email).json()
    assert body["user"]["accessRole"] == "SUPERADMIN"
    assert body["user"]["organizationId"] is None
    assert request_status(body["token"]) == 200


def test_token_contains_organization_and_role(member: User) -> None:
    claims = jwt.decode(request_login().json()["token"], options={"verify_signature": False})
    assert claims["organization_id"] == member.organization_id
    assert claims["role"] == "DEPARTMENT_HEAD"


@pytest.mark.parametrize(
    ("email", "password"),
    [("member@example.com", "wrong"), ("nobody@example.com", PASSWORD), ("\ud83d", PASSWORD)],
)
def test_response_to_wrong_email_and_wrong_password_is_the_same(
    member: User, email: str, password: str
) -> None:
    response = request_login(email.encode("utf-8", "replace").decode(), password)
    assert response.status_code == 401
    assert response.json() == {
        "error": "Wrong e-mail address or password",
        "code": "invalid_credentials",
    }


def test_response_to_inactive_and_unknown_user_is_the_same(member: User) -> None:
    User.objects.update(is_active=False)
    assert request_login().json() == request_login("nobody@example.com").json()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": 1, "password": []},
        {"email": "a@b.c\x00", "password": "a\x00b"},
        {"email": None},
    ],
)
def test_login_rejects_malformed_body(body: dict[str, Any]) -> None:
    response = APIClient().post("/api/auth/login", body)
    assert (response.status_code, response.json()["code"]) == (400, "validation_error")


# --- Expiry and revocation ---


def test_access_token_expires(member: User) -> None:
    token = request_login().json()["token"]
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert request_status(token) == 401


@pytest.mark.parametrize(
    "change",
    [
        {"is_active": False},
        {"organization": None, "is_superuser": True},
        {"password": "argon2$other"},
    ],
)
def test_change_of_user_ends_their_tokens(member: User, change: dict[str, Any]) -> None:
    body = request_login().json()
    User.objects.filter(pk=member.pk).update(**change)
    assert request_status(body["token"]) == 401
    assert request_refresh(body["refreshToken"]).status_code == 401


def test_move_to_another_organization_ends_tokens(member: User) -> None:
    body = request_login().json()
    member.organization = factories.OrganizationFactory.create()
    member.save()
    assert request_status(body["token"]) == 401
    assert request_refresh(body["refreshToken"]).status_code == 401


def test_deletion_of_user_ends_their_tokens(member: User) -> None:
    token = request_login().json()["token"]
    member.delete()
    assert request_status(token) == 401


def test_change_of_role_applies_to_existing_tokens(member: User) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {request_login().json()['token']}")
    assert client.post("/api/prompts", {}).status_code == 400
    User.objects.update(access_role="SALES_REP")
    assert client.post("/api/prompts", {}).status_code == 403


# --- Forged tokens and malformed headers ---


def forge(**changes: Any) -> str:
    """Return a token of the only user, with changed ``claims`` or options of ``jwt.encode``."""
    user = User.objects.get()
    claims = AccessToken.for_user(user).payload | {"iss": "webchats"} | changes.pop("claims", {})
    options = {"key": settings.SIMPLE_JWT["SIGNING_KEY"], "algorithm": "HS256"} | changes
    return jwt.encode(claims, **options)


def test_forged_token_without_changes_is_valid(member: User) -> None:
    assert request_status(forge()) == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "another-key-of-more-than-32-bytes-length"},
        {"algorithm": "none", "key": None},
        {"algorithm": "HS512", "key": settings.SIMPLE_JWT["SIGNING_KEY"] + "x" * 40},
        {"claims": {"token_type": "refresh"}},
        {"claims": {"organization_id": "0" * 24}},
        {"claims": {"organization_id": None}},
        {"claims": {"user_id": "0" * 24}},
        {"claims": {"user_id": None}},
        {"claims": {"hash_password": "x"}},
        {"claims": {"hash_password": None}},
        {"claims": {"iss": "somebody"}},
        {"claims": {"exp": 1}},
    ],
    ids=str,
)
def test_it_rejects_forged_token(member: User, changes: dict[str, Any]) -> None:
    assert request_status(forge(**changes)) == 401


#: JSON values that ``datetime``, PostgreSQL or a comparison could fail on.
HOSTILE_VALUES: list[Any] = [
    *(None, True, -1, 1.5, 10**18, 10**400, -(10**400), float("inf"), float("nan")),
    *("", "x", "\0", "\ud800", "a" * 3000, [], ["x"], {}, {"x": {"y": []}}),
    *("1" * 24, int("1" * 24)),  # as many digits as an id has
]


@pytest.mark.parametrize("claim", ["user_id", "jti", "exp", "iat", "nbf", "iss", "token_type"])
@pytest.mark.parametrize("kind", ["access", "refresh"])
def test_signed_token_with_hostile_claims_is_401(member: User, claim: str, kind: str) -> None:
    valid = jwt.decode(forge(), options={"verify_signature": False}) | {"token_type": kind}
    statuses = {}
    for value in HOSTILE_VALUES:
        claims = valid | {claim: value}
        token = sign({"alg": "HS256"}, claims, settings.SIMPLE_JWT["SIGNING_KEY"])
        client = APIClient(raise_request_exception=False)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        response = (
            client.get("/api/auth/verify-token")
            if kind == "access"
            else client.post("/api/auth/refresh", {"refreshToken": token[:4000]})
        )
        # The service does not use these times. PyJWT refuses those in the future.
        is_past = claim in ("iat", "nbf") and isinstance(value, int | float) and value < 10**9
        accepted = 200 if is_past and kind == "access" else 401
        if response.status_code != accepted:
            statuses[repr(value)[:40]] = response.status_code
    assert statuses == {}


@pytest.mark.parametrize("claim", ["user_id", "jti", "exp"])
@pytest.mark.parametrize("kind", ["access", "refresh"])
def test_token_without_a_claim_is_401(member: User, claim: str, kind: str) -> None:
    token = forge(claims={"token_type": kind})
    claims = jwt.decode(token, options={"verify_signature": False})
    del claims[claim]
    token = jwt.encode(claims, settings.SIMPLE_JWT["SIGNING_KEY"])
    assert (
        request_status(token) if kind == "access" else request_refresh(token).status_code
    ) == 401


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer a b", "Basic YTpi", "Token x", "Bearer é", "Bearer \u00ff"],
)
def test_it_rejects_malformed_header(header: str) -> None:
    response = APIClient().get("/api/auth/verify-token", headers={"authorization": header})
    assert response.status_code == 401


def test_scheme_is_case_insensitive(member: User) -> None:
    token = request_login().json()["token"]
    headers = {"authorization": f"bearer {token}"}
    response = APIClient().get("/api/auth/verify-token", headers=headers)
    assert (response.status_code, response.json()) == (200, {"message": "Token is good"})


def test_authentication_needs_one_query(member: User, django_assert_num_queries: Any) -> None:
    token = str(AccessToken.for_user(member))
    with django_assert_num_queries(1):
        assert request_status(token) == 200


# --- Refresh tokens ---


def test_refresh_token_is_valid_once(member: User) -> None:
    first = request_login().json()["refreshToken"]
    second = request_refresh(first).json()
    assert second.keys() == {"token", "refreshToken"}
    assert request_status(second["token"]) == 200
    assert request_refresh(second["refreshToken"]).status_code == 200
    assert request_refresh(first).status_code == 401


def test_refresh_token_used_twice_ends_its_family(member: User) -> None:
    stolen = request_login().json()["refreshToken"]
    other_sign_in = request_login().json()["refreshToken"]
    second = request_refresh(stolen).json()["refreshToken"]
    third = request_refresh(second).json()["refreshToken"]
    assert request_refresh(stolen).status_code == 401
    assert request_refresh(third).status_code == 401
    assert request_refresh(other_sign_in).status_code == 200


def test_refresh_token_used_after_logout_ends_its_family(member: User) -> None:
    first = request_login().json()["refreshToken"]
    pair = request_refresh(first).json()
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['token']}")
    assert client.post("/api/auth/logout", {"refreshToken": first}).status_code == 401
    assert request_refresh(pair["refreshToken"]).status_code == 401


def test_refresh_token_of_a_former_release_ends_its_family(member: User) -> None:
    """Its ``jti`` has no family."""
    former = RefreshToken.for_user(member)
    former["jti"] = "0" * 32
    OutstandingToken.objects.update(jti="0" * 32)
    successor = request_refresh(str(former)).json()["refreshToken"]
    assert request_refresh(str(former)).status_code == 401
    assert request_refresh(successor).status_code == 401


def test_refresh_token_stays_valid_if_no_new_one_can_be_issued(
    member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OperationalError("the connection was lost")

    token = request_login().json()["refreshToken"]
    with monkeypatch.context() as patched:
        patched.setattr(OutstandingToken.objects, "create", fail)
        assert request_refresh(token).status_code == 503
    assert request_refresh(token).status_code == 200


def test_access_and_refresh_tokens_cannot_be_interchanged(member: User) -> None:
    body = request_login().json()
    assert request_refresh(body["token"]).status_code == 401
    assert request_status(body["refreshToken"]) == 401


def test_logout_revokes_the_refresh_token(member: User) -> None:
    body = request_login().json()
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {body['token']}")
    sent = {"refreshToken": body["refreshToken"]}
    assert client.post("/api/auth/logout", sent).json() == {"message": "Signed out"}
    assert request_refresh(body["refreshToken"]).status_code == 401
    assert client.post("/api/auth/logout", sent).status_code == 401


def test_logout_requires_a_credential(member: User) -> None:
    token = request_login().json()["refreshToken"]
    response = APIClient().post("/api/auth/logout", {"refreshToken": token})
    assert response.status_code == 401
    assert request_refresh(token).status_code == 200


def test_database_contains_no_refresh_token(member: User) -> None:
    token = request_login().json()["refreshToken"]
    request_refresh(token)
    assert OutstandingToken.objects.count() == 2
    assert set(OutstandingToken.objects.values_list("token", flat=True)) == {""}


def test_flushexpiredtokens_deletes_expired_tokens(member: User) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=30)):
        RefreshToken.for_user(member)
    call_command("flushexpiredtokens")
    assert not OutstandingToken.objects.exists()
