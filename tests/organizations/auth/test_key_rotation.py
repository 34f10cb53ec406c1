"""Rotation of keys without signing users out, and the algorithm of tokens."""

from collections.abc import Callable
from typing import Any

import jwt
import pytest
from django.contrib.auth.hashers import identify_hasher, make_password
from django.test import Client
from pytest_django import Settings

from organizations.auth.refresh_tokens import issue_token_pair
from organizations.auth.tokens import AccessToken
from organizations.models import User
from tests.support import factories
from tests.support.authentication import (
    request_login,
    request_refresh,
    request_status,
    sign,
)
from tests.support.environment import PRODUCTION, load_settings
from webchats.icons.images import SanitizedImage
from webchats.icons.storage import signed_url, store_image

pytestmark = pytest.mark.django_db

PUBLIC = (
    "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAK\n-----END PUBLIC KEY-----\n"
)
OLD, NEW = "o" * 50, "n" * 50


@pytest.fixture
def use_signing_key(settings: Settings) -> Callable[..., None]:
    """``use_signing_key(NEW, OLD)`` sets the key that signs tokens, and the former keys."""

    def change(key: str, *former: str) -> None:
        settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "SIGNING_KEY": key}
        settings.JWT_SIGNING_KEY_FALLBACKS = list(former)

    return change


@pytest.fixture
def use_secret_key(settings: Settings, use_signing_key: Callable[..., None]) -> Callable[..., None]:
    """``use_secret_key(NEW, OLD)`` sets ``SECRET_KEY``, which also signs tokens by default."""

    def change(key: str, *former: str) -> None:
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = key, list(former)
        use_signing_key(key, *former)
        # Create the storages again, as after a restart.
        settings.STORAGES = {**settings.STORAGES}

    return change


def test_token_signed_with_former_key_is_valid(admin: User, use_signing_key: Any) -> None:
    use_signing_key(OLD)
    pair = issue_token_pair(admin)
    use_signing_key(NEW, "x" * 50, OLD)
    assert request_status(pair["token"]) == 200
    assert request_refresh(pair["refreshToken"]).status_code == 200
    use_signing_key(NEW)
    assert request_status(pair["token"]) == 401


def test_new_tokens_are_signed_with_the_new_key_only(admin: User, use_signing_key: Any) -> None:
    use_signing_key(NEW, OLD)
    pair = issue_token_pair(admin)
    for token in (pair["token"], pair["refreshToken"]):
        jwt.decode(token, NEW, algorithms=["HS256"])
        with pytest.raises(jwt.InvalidSignatureError):
            jwt.decode(token, OLD, algorithms=["HS256"])


def test_expired_token_signed_with_former_key_is_invalid(admin: User, use_signing_key: Any) -> None:
    use_signing_key(OLD)
    token = AccessToken.for_user(admin)
    token.set_exp(claim="exp", from_time=token.current_time, lifetime=-token.lifetime)
    expired = str(token)
    use_signing_key(NEW, OLD)
    assert request_status(expired) == 401


def test_authentication_with_former_key_needs_one_query(
    admin: User, use_signing_key: Any, django_assert_num_queries: Any
) -> None:
    use_signing_key(OLD)
    token = str(AccessToken.for_user(admin))
    use_signing_key(NEW, OLD)
    with django_assert_num_queries(1):
        assert request_status(token) == 200


@pytest.mark.parametrize("key", [NEW, OLD])
def test_token_cannot_choose_its_algorithm(admin: User, use_signing_key: Any, key: str) -> None:
    use_signing_key(NEW, OLD)
    claims = AccessToken.for_user(admin).payload | {"iss": "webchats"}
    assert request_status(sign({"alg": "HS256"}, claims, key)) == 200
    tokens = {
        "none": jwt.encode(claims, "", algorithm="none"),
        "none, in capitals": sign({"alg": "NONE"}, claims, key),
        "none, but signed": sign({"alg": "none"}, claims, key),
        "RS256, signed as HS256": sign({"alg": "RS256"}, claims, key),
        "a public key as the secret": sign({"alg": "HS256"}, claims, PUBLIC),
        "a public key in the header": sign({"alg": "RS256", "jwk": {"kty": "RSA"}}, claims, PUBLIC),
        "HS512": jwt.encode(claims, key * 2, algorithm="HS512"),
        "HS512, signed as HS256": sign({"alg": "HS512"}, claims, key),
        "a key id in the header": sign({"alg": "HS256", "kid": "/dev/null"}, claims, ""),
    }
    assert {name: request_status(token) for name, token in tokens.items()} == dict.fromkeys(
        tokens, 401
    )


def test_new_secret_key_with_fallback_keeps_tokens_and_sessions(
    admin: User, use_secret_key: Any
) -> None:
    use_secret_key(OLD)
    pair = issue_token_pair(admin)
    client = Client()
    client.force_login(admin)
    use_secret_key(NEW, OLD)
    assert request_status(pair["token"]) == 200
    assert request_refresh(pair["refreshToken"]).status_code == 200
    assert client.get("/admin/").status_code == 200
    use_secret_key(NEW)
    assert request_status(pair["token"]) == 401
    # The request above has signed the session with the new key.
    assert client.get("/admin/").status_code == 200


def test_new_secret_key_without_fallback_ends_sessions(admin: User, use_secret_key: Any) -> None:
    use_secret_key(OLD)
    client = Client()
    client.force_login(admin)
    use_secret_key(NEW)
    assert client.get("/admin/").status_code == 302


def test_password_change_ends_tokens_signed_with_former_secret_key(
    admin: User, use_secret_key: Any
) -> None:
    use_secret_key(OLD)
    token = issue_token_pair(admin)["token"]
    use_secret_key(NEW, OLD)
    admin.set_password("another password")
    admin.save()
    assert request_status(token) == 401


def test_signed_icon_url_of_former_secret_key_is_valid(
    admin: User, use_secret_key: Any, fetch: Any
) -> None:
    use_secret_key(OLD)
    image = SanitizedImage(b"GIF89a", "png", "image/png")
    url = signed_url(store_image(str(admin.organization_id), image))
    use_secret_key(NEW, OLD)
    assert fetch(url).status == 200
    use_secret_key(NEW)
    assert fetch(url).status == 403


def test_outdated_password_hash_is_upgraded_at_sign_in(db: None, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = load_settings(**PRODUCTION)["PASSWORD_HASHERS"]
    user = factories.UserFactory.create()
    User.objects.update(password=make_password("correct horse", hasher="pbkdf2_sha256"))
    body = request_login(user.email, "correct horse").json()
    user.refresh_from_db()
    assert identify_hasher(user.password).algorithm == "argon2"
    assert request_status(body["token"]) == 200
    assert request_refresh(body["refreshToken"]).status_code == 200


def test_secret_key_fallbacks_apply_to_tokens_without_a_signing_key() -> None:
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
