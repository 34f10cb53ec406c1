"""Keys are changed without signing anybody out, and no token chooses how it is verified."""

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from django.conf import settings as now
from django.contrib.auth.hashers import identify_hasher, make_password
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from organizations.auth.tokens import AccessToken, issue_token_pair
from organizations.models import User
from tests.support import factories
from tests.support.environment import PRODUCTION, load_settings
from webchats.icons.images import CleanImage
from webchats.icons.storage import signed_url, store_image

pytestmark = pytest.mark.django_db

PUBLIC = (
    "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAK\n-----END PUBLIC KEY-----\n"
)
OLD, NEW = "o" * 50, "n" * 50


@pytest.fixture
def use(settings: Settings) -> Callable[..., None]:
    """``use(NEW, OLD)``: the key of tokens, and those before it."""

    def change(key: str, *former: str) -> None:
        settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "SIGNING_KEY": key}
        settings.JWT_SIGNING_KEY_FALLBACKS = list(former)

    return change


@pytest.fixture
def use_secret(settings: Settings, use: Callable[..., None]) -> Callable[..., None]:
    """The same for ``SECRET_KEY`` where tokens have no key of their own."""

    def change(key: str, *former: str) -> None:
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = key, list(former)
        use(key, *former)
        # Storages are made anew, as by a restart.
        settings.STORAGES = {**settings.STORAGES}

    return change


def part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def signed(header: dict[str, Any], claims: dict[str, Any], key: str) -> str:
    """A token with any header, whose signature is HS256's of ``key``."""
    text = f"{part(json.dumps(header).encode())}.{part(json.dumps(claims).encode())}"
    return f"{text}.{part(hmac.digest(key.encode(), text.encode(), 'sha256'))}"


def verify(token: str) -> int:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    status: int = client.get("/api/auth/verify-token").status_code
    return status


def refresh(token: str) -> Any:
    return APIClient().post("/api/auth/refresh", {"refreshToken": token})


def test_tokens_of_a_former_key_live_on(admin: User, use: Any) -> None:
    use(OLD)
    pair = issue_token_pair(admin)
    use(NEW, "x" * 50, OLD)
    assert verify(pair["token"]) == 200
    assert refresh(pair["refreshToken"]).status_code == 200
    use(NEW)
    assert verify(pair["token"]) == 401


def test_new_tokens_are_signed_by_the_new_key_only(admin: User, use: Any) -> None:
    use(NEW, OLD)
    pair = issue_token_pair(admin)
    for token in (pair["token"], pair["refreshToken"]):
        jwt.decode(token, NEW, algorithms=["HS256"])
        with pytest.raises(jwt.InvalidSignatureError):
            jwt.decode(token, OLD, algorithms=["HS256"])


def test_a_former_key_lengthens_no_life(admin: User, use: Any) -> None:
    use(OLD)
    token = AccessToken.for_user(admin)
    token.set_exp(claim="exp", from_time=token.current_time, lifetime=-token.lifetime)
    expired = str(token)
    use(NEW, OLD)
    assert verify(expired) == 401


def test_authentication_by_a_former_key_costs_one_query(
    admin: User, use: Any, django_assert_num_queries: Any
) -> None:
    use(OLD)
    token = str(AccessToken.for_user(admin))
    use(NEW, OLD)
    with django_assert_num_queries(1):
        assert verify(token) == 200


@pytest.mark.parametrize("key", [NEW, OLD])
def test_no_token_chooses_its_algorithm(admin: User, use: Any, key: str) -> None:
    use(NEW, OLD)
    claims = AccessToken.for_user(admin).payload | {"iss": "webchats"}
    assert verify(signed({"alg": "HS256"}, claims, key)) == 200
    tokens = {
        "none": jwt.encode(claims, None, algorithm="none"),
        "none, in capitals": signed({"alg": "NONE"}, claims, key),
        "none, but signed": signed({"alg": "none"}, claims, key),
        "RS256, signed as HS256": signed({"alg": "RS256"}, claims, key),
        "a public key as the secret": signed({"alg": "HS256"}, claims, PUBLIC),
        "a public key of its own": signed({"alg": "RS256", "jwk": {"kty": "RSA"}}, claims, PUBLIC),
        "HS512": jwt.encode(claims, key * 2, algorithm="HS512"),
        "HS512, signed as HS256": signed({"alg": "HS512"}, claims, key),
        "a key that the header names": signed({"alg": "HS256", "kid": "/dev/null"}, claims, ""),
    }
    assert {name: verify(token) for name, token in tokens.items()} == dict.fromkeys(tokens, 401)


def test_a_new_secret_key_ends_no_token_and_no_session(admin: User, use_secret: Any) -> None:
    use_secret(OLD)
    pair = issue_token_pair(admin)
    staff = Client()
    staff.force_login(admin)
    use_secret(NEW, OLD)
    assert verify(pair["token"]) == 200
    assert refresh(pair["refreshToken"]).status_code == 200
    assert staff.get("/admin/").status_code == 200
    use_secret(NEW)
    assert verify(pair["token"]) == 401
    # The staff's session was signed anew by the request above.
    assert staff.get("/admin/").status_code == 200


def test_a_secret_key_that_is_forgotten_ends_sessions(admin: User, use_secret: Any) -> None:
    use_secret(OLD)
    staff = Client()
    staff.force_login(admin)
    use_secret(NEW)
    assert staff.get("/admin/").status_code == 302


def test_a_former_secret_key_does_not_bring_an_old_password_back(
    admin: User, use_secret: Any
) -> None:
    use_secret(OLD)
    token = issue_token_pair(admin)["token"]
    use_secret(NEW, OLD)
    admin.set_password("another password")
    admin.save()
    assert verify(token) == 401


def test_a_signed_icon_outlives_the_secret_key(admin: User, use_secret: Any, fetch: Any) -> None:
    use_secret(OLD)
    image = CleanImage(b"GIF89a", "png")
    url = signed_url(store_image(str(admin.organization_id), image))
    use_secret(NEW, OLD)
    assert fetch(url).status == 200
    use_secret(NEW)
    assert fetch(url).status == 403


def test_an_older_kind_of_password_hash_is_renewed_at_sign_in(db: None, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = load_settings(**PRODUCTION)["PASSWORD_HASHERS"]
    user = factories.UserFactory.create()
    User.objects.update(password=make_password("correct horse", hasher="pbkdf2_sha256"))
    sent = {"email": user.email, "password": "correct horse"}
    body = APIClient().post("/api/auth/login", sent).json()
    user.refresh_from_db()
    assert identify_hasher(user.password).algorithm == "argon2"
    assert verify(body["token"]) == 200
    assert refresh(body["refreshToken"]).status_code == 200


def test_the_former_secret_keys_verify_tokens_that_have_no_key_of_their_own() -> None:
    def signing_keys(**environment: str) -> tuple[str, list[str]]:
        loaded = load_settings(
            **PRODUCTION | {"SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": OLD}, **environment
        )
        return loaded["SIMPLE_JWT"]["SIGNING_KEY"], loaded["JWT_SIGNING_KEY_FALLBACKS"]

    assert signing_keys() == (NEW, [OLD])
    own, a, b = "j" * 50, "a" * 40, "b" * 40
    assert signing_keys(JWT_SIGNING_KEY=own) == (own, [])
    fallbacks = f"{a},{b}"
    assert signing_keys(JWT_SIGNING_KEY=own, JWT_SIGNING_KEY_FALLBACKS=fallbacks) == (own, [a, b])


def test_the_algorithm_is_pinned() -> None:
    assert now.SIMPLE_JWT["ALGORITHM"] == "HS256"
