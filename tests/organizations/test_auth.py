"""Signing in and out, and what ends a credential."""

from datetime import timedelta
from typing import Any

import jwt
import pytest
import time_machine
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from organizations.auth.tokens import AccessToken, RefreshToken
from organizations.models import ApiKey, User
from tests.support import factories

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


@pytest.fixture
def member(db: None) -> User:
    return factories.UserFactory.create(
        email="member@example.com", password=PASSWORD, access_role="DEPARTMENT_HEAD"
    )


def sign_in(email: str = "member@example.com", password: str = PASSWORD) -> Any:
    return APIClient().post("/api/auth/login", {"email": email, "password": password})


def verify(token: str) -> int:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    status: int = client.get("/api/auth/verify-token").status_code
    return status


def refresh(token: str) -> Any:
    return APIClient().post("/api/auth/refresh", {"refreshToken": token})


def test_a_member_signs_in(member: User) -> None:
    answer = sign_in()
    assert answer.status_code == 200
    body = answer.json()
    assert body.keys() == {"token", "refreshToken", "user"}
    assert body["user"] == {
        "id": member.pk,
        "email": "member@example.com",
        "fullName": member.full_name,
        "organizationId": member.organization_id,
        "accessRole": "DEPARTMENT_HEAD",
    }
    assert verify(body["token"]) == 200
    member.refresh_from_db()
    assert member.last_login is not None


def test_an_email_signs_in_in_any_case(member: User) -> None:
    assert sign_in(" Member@EXAMPLE.com").status_code == 200


def test_a_superuser_signs_in(db: None) -> None:
    user = factories.SuperuserFactory.create(password=PASSWORD)
    body = sign_in(user.email).json()
    assert body["user"]["accessRole"] == "SUPERADMIN"
    assert body["user"]["organizationId"] is None
    assert verify(body["token"]) == 200


def test_claims_carry_the_organization_and_the_role(member: User) -> None:
    claims = jwt.decode(sign_in().json()["token"], options={"verify_signature": False})
    assert claims["organization_id"] == member.organization_id
    assert claims["role"] == "DEPARTMENT_HEAD"


@pytest.mark.parametrize(
    ("email", "password"),
    [("member@example.com", "wrong"), ("nobody@example.com", PASSWORD), ("\ud83d", PASSWORD)],
)
def test_a_wrong_address_and_a_wrong_password_are_one_answer(
    member: User, email: str, password: str
) -> None:
    answer = sign_in(email.encode("utf-8", "replace").decode(), password)
    assert answer.status_code == 401
    assert answer.json() == {
        "error": "Wrong e-mail address or password",
        "code": "invalid_credentials",
    }


def test_a_deactivated_member_is_answered_like_an_unknown_one(member: User) -> None:
    User.objects.update(is_active=False)
    assert sign_in().json() == sign_in("nobody@example.com").json()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": 1, "password": []},
        {"email": "a@b.c\x00", "password": "a\x00b"},
        {"email": None},
    ],
)
def test_a_malformed_sign_in_is_refused(body: dict[str, Any]) -> None:
    answer = APIClient().post("/api/auth/login", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")


def test_a_token_ends_with_its_time(member: User) -> None:
    token = sign_in().json()["token"]
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert verify(token) == 401


@pytest.mark.parametrize(
    "change",
    [
        {"is_active": False},
        {"organization": None, "is_superuser": True},
        {"password": "argon2$other"},
    ],
)
def test_tokens_end_at_once_when_the_user_changes(member: User, change: dict[str, Any]) -> None:
    body = sign_in().json()
    User.objects.filter(pk=member.pk).update(**change)
    assert verify(body["token"]) == 401
    assert refresh(body["refreshToken"]).status_code == 401


def test_a_moved_users_tokens_end_at_once(member: User) -> None:
    body = sign_in().json()
    member.organization = factories.OrganizationFactory.create()
    member.save()
    assert verify(body["token"]) == 401
    assert refresh(body["refreshToken"]).status_code == 401


def test_a_deleted_users_tokens_end_at_once(member: User) -> None:
    token = sign_in().json()["token"]
    member.delete()
    assert verify(token) == 401


def test_a_changed_role_counts_at_once(member: User) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {sign_in().json()['token']}")
    assert client.post("/api/prompts", {}).status_code == 400
    User.objects.update(access_role="SALES_REP")
    assert client.post("/api/prompts", {}).status_code == 403


def forged(**changes: Any) -> str:
    user = User.objects.get()
    claims = AccessToken.for_user(user).payload | {"iss": "webchats"} | changes.pop("claims", {})
    options = {"key": settings.SIMPLE_JWT["SIGNING_KEY"], "algorithm": "HS256"} | changes
    return jwt.encode(claims, **options)


def test_a_token_made_as_ours_would_be_good(member: User) -> None:
    assert verify(forged()) == 200


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
def test_a_forged_token_is_refused(member: User, changes: dict[str, Any]) -> None:
    assert verify(forged(**changes)) == 401


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer a b", "Basic YTpi", "Token x", "Bearer é", "Bearer \u00ff"],
)
def test_a_malformed_header_is_refused(header: str) -> None:
    answer = APIClient().get("/api/auth/verify-token", headers={"authorization": header})
    assert answer.status_code == 401


def test_the_scheme_is_compared_without_case(member: User) -> None:
    token = sign_in().json()["token"]
    answer = APIClient().get("/api/auth/verify-token", headers={"authorization": f"bearer {token}"})
    assert (answer.status_code, answer.json()) == (200, {"message": "Token is good"})


def test_a_refresh_token_buys_one_pair(member: User) -> None:
    first = sign_in().json()["refreshToken"]
    second = refresh(first).json()
    assert second.keys() == {"token", "refreshToken"}
    assert verify(second["token"]) == 200
    assert refresh(first).status_code == 401
    assert refresh(second["refreshToken"]).status_code == 200


def test_a_refresh_that_fails_half_way_leaves_the_token_alive(
    member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(user: User) -> None:
        raise OperationalError("the database went away")

    token = sign_in().json()["refreshToken"]
    with monkeypatch.context() as patched:
        patched.setattr("organizations.auth.views.issue_token_pair", fail)
        assert refresh(token).status_code == 503
    assert refresh(token).status_code == 200


def test_an_access_token_is_no_refresh_token_nor_the_reverse(member: User) -> None:
    body = sign_in().json()
    assert refresh(body["token"]).status_code == 401
    assert verify(body["refreshToken"]) == 401


def test_who_signs_out_ends_the_refresh_token(member: User) -> None:
    body = sign_in().json()
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {body['token']}")
    sent = {"refreshToken": body["refreshToken"]}
    assert client.post("/api/auth/logout", sent).json() == {"message": "Signed out"}
    assert refresh(body["refreshToken"]).status_code == 401
    assert client.post("/api/auth/logout", sent).status_code == 401


def test_signing_out_needs_a_credential(member: User) -> None:
    token = sign_in().json()["refreshToken"]
    answer = APIClient().post("/api/auth/logout", {"refreshToken": token})
    assert answer.status_code == 401
    assert refresh(token).status_code == 200


def test_no_refresh_token_is_kept_in_clear(member: User) -> None:
    tokens = {sign_in().json()["refreshToken"]}
    tokens.add(refresh(tokens.copy().pop()).json()["refreshToken"])
    assert OutstandingToken.objects.count() == 2
    assert set(OutstandingToken.objects.values_list("token", flat=True)) == {""}


def test_expired_tokens_can_be_cleared_away(member: User) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=30)):
        RefreshToken.for_user(member)
    call_command("flushexpiredtokens")
    assert not OutstandingToken.objects.exists()


def test_authentication_costs_one_query(member: User, django_assert_num_queries: Any) -> None:
    token = str(AccessToken.for_user(member))
    with django_assert_num_queries(1):
        assert verify(token) == 200


# --- API keys ---


def key_of(user: User, **fields: Any) -> str:
    secret = f"wck_{fields.pop('secret', 'secret-of-the-test')}"
    factories.ApiKeyFactory.create(user=user, secret=secret, **fields)
    return secret


def test_a_key_is_shown_once_and_only_its_digest_is_stored(api: Any, admin: User) -> None:
    client = api(admin)
    answer = client.post("/api/api-keys", {"name": "CRM"})
    assert answer.status_code == 201
    document = answer.json()["data"]
    secret = document.pop("key")
    assert document["name"] == "CRM"
    assert secret.startswith(document["prefix"])
    assert verify(secret) == 200
    for later in (client.get("/api/api-keys"), client.get(f"/api/api-keys/{document['_id']}")):
        assert secret not in later.content.decode()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM organizations_apikey")
        assert secret not in str(cursor.fetchall())


def test_a_key_acts_as_the_member_who_made_it(api: Any, admin: User) -> None:
    secret = api(admin).post("/api/api-keys", {"name": "CRM"}).json()["data"]["key"]
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    answer = client.post("/api/prompts", {"name": "By machine", "instructions": "Answer."})
    assert answer.status_code == 201
    assert answer.json()["data"]["organizationId"] == admin.organization_id


def test_a_revoked_key_ends_at_once(api: Any, admin: User) -> None:
    secret = key_of(admin)
    assert verify(secret) == 200
    assert api(admin).delete(f"/api/api-keys/{ApiKey.objects.get().pk}").status_code == 200
    assert verify(secret) == 401


def test_a_key_ends_with_its_time(admin: User) -> None:
    secret = key_of(admin, expires_at=timezone.now() + timedelta(hours=1))
    assert verify(secret) == 200
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        assert verify(secret) == 401


@pytest.mark.parametrize("moved", [True, False])
def test_a_key_ends_with_its_member(admin: User, moved: bool) -> None:
    secret = key_of(admin)
    if moved:
        admin.organization = factories.OrganizationFactory.create()
    else:
        admin.is_active = False
    admin.save()
    assert verify(secret) == 401


def test_an_unknown_key_is_refused(admin: User) -> None:
    secret = key_of(admin)
    assert verify(secret[:-1]) == 401
    assert verify(secret + "x") == 401
    assert verify("wck_") == 401


def test_the_last_use_is_recorded_once_a_minute(
    admin: User, django_assert_num_queries: Any
) -> None:
    secret = key_of(admin)
    assert verify(secret) == 200
    first = ApiKey.objects.get().last_used_at
    assert first is not None
    with django_assert_num_queries(1):
        verify(secret)
    assert ApiKey.objects.get().last_used_at == first
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        verify(secret)
    last = ApiKey.objects.get().last_used_at
    assert last is not None
    assert last > first


@pytest.mark.parametrize(
    "moment",
    [
        "2020-01-01T00:00:00Z",
        "tomorrow",
        5,
        "2020-13-01",
        "\x00",
        "2099-01-01",
        "2099-01-01T00:00:00",
        "20990101T000000Z",
        "2099-W01-1",
        "2099-13-01T00:00:00Z",
    ],
)
def test_a_key_needs_a_moment_to_come_as_its_end(api: Any, admin: User, moment: Any) -> None:
    answer = api(admin).post("/api/api-keys", {"name": "CRM", "expiresAt": moment})
    assert answer.status_code == 400
    assert [detail["field"] for detail in answer.json()["details"]] == ["expiresAt"]


def test_a_key_cannot_be_changed(api: Any, admin: User) -> None:
    key_of(admin)
    assert api(admin).put(f"/api/api-keys/{ApiKey.objects.get().pk}", {}).status_code == 405


def test_a_key_is_not_made_in_anothers_name(api: Any, admin: User, rep: User) -> None:
    document = api(admin).post("/api/api-keys", {"name": "CRM", "userId": rep.pk}).json()["data"]
    assert document["userId"] == admin.pk


def test_a_superuser_cannot_make_a_key(api: Any, superuser: User, admin: User) -> None:
    sent = {"name": "CRM", "organizationId": admin.organization_id}
    answer = api(superuser).post("/api/api-keys", sent)
    assert answer.status_code == 400
    assert answer.json()["details"][0]["field"] == "organizationId"
    assert not ApiKey.objects.exists()
