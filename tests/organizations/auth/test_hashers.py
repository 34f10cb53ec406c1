"""The password hasher."""

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import Any

import argon2
import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, make_password
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from organizations.auth.hashers import MAX_WAITING, HasherBusy
from organizations.models import KnownAddress
from tests.api.errors import assert_error
from tests.support.environment import PRODUCTION, load_settings
from tests.support.factories import UserFactory


@pytest.fixture(autouse=True)
def _hashers_of_production(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = load_settings(**PRODUCTION)["PASSWORD_HASHERS"]


def test_passwords_are_hashed_with_the_parameters_of_owasp() -> None:
    encoded = make_password("correct horse battery")
    assert encoded.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert check_password("correct horse battery", encoded)
    assert not check_password("wrong", encoded)


def test_former_hash_is_valid_and_replaced() -> None:
    former = Argon2PasswordHasher()
    encoded = former.encode("correct horse battery", former.salt())
    assert "m=102400" in encoded
    stored: list[str] = []
    assert check_password(
        "correct horse battery", encoded, lambda password: stored.append(make_password(password))
    )
    assert "m=19456,t=2,p=1" in stored[0]


def test_a_process_hashes_one_password_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = make_password("correct horse battery")
    running, most = 0, 0
    lock, others_may_start = threading.Lock(), threading.Event()
    verify, hash_secret = argon2.PasswordHasher.verify, argon2.low_level.hash_secret

    def counted(function, *args, **kwargs):  # type: ignore[no-untyped-def]
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        others_may_start.wait(0.02)
        try:
            return function(*args, **kwargs)
        finally:
            with lock:
                running -= 1

    monkeypatch.setattr(
        argon2.PasswordHasher, "verify", lambda *args: counted(verify, *args), raising=True
    )
    monkeypatch.setattr(
        argon2.low_level, "hash_secret", lambda *a, **kw: counted(hash_secret, *a, **kw)
    )
    with ThreadPoolExecutor(1 + MAX_WAITING) as threads:
        checks = [threads.submit(check_password, "wrong", encoded) for _ in range(4)]
        hashes = [threads.submit(make_password, "another one") for _ in range(4)]
        assert not any(check.result() for check in checks)
        assert all(hashed.result() for hashed in hashes)
    assert most == 1


@pytest.mark.django_db
def test_sign_in_gets_503_while_four_others_wait(
    monkeypatch: pytest.MonkeyPatch, api: Callable[..., APIClient]
) -> None:
    encoded = make_password("correct horse battery")
    owner = UserFactory.create(password="correct horse battery")
    KnownAddress.objects.remember(owner, "198.51.100.7")
    hashing_may_end, verify = threading.Event(), argon2.PasswordHasher.verify

    def verify_slowly(*args: Any) -> bool:
        hashing_may_end.wait(20)
        return verify(*args)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", verify_slowly)
    with ThreadPoolExecutor(MAX_WAITING + 2) as threads:
        checks = [threads.submit(check_password, "wrong", encoded) for _ in range(MAX_WAITING + 2)]
        try:
            refused, waiting = wait(checks, timeout=10, return_when=FIRST_COMPLETED)
            body = {"email": "nobody@example.com", "password": "wrong"}
            in_api = api(None).post("/api/auth/login", body)
            form = {"username": "nobody@example.com", "password": "wrong"}
            in_admin = Client().post("/admin/login/", form)
            threading.Timer(0.2, hashing_may_end.set).start()
            right = {"email": owner.email, "password": "correct horse battery"}
            of_owner = api(None).post("/api/auth/login", right, REMOTE_ADDR="198.51.100.7")
        finally:
            hashing_may_end.set()
    assert [type(check.exception()) for check in refused] == [HasherBusy]
    assert not any(check.result() for check in waiting)
    assert "Too many people are signing in" in assert_error(in_api, 503, "unavailable")["error"]
    assert in_admin.status_code == 503
    # From a known address.
    assert of_owner.status_code == 200
    assert "Too many people are signing in. Try again" in in_admin.content.decode()
    assert in_api.headers["Retry-After"] == in_admin.headers["Retry-After"] == "5"
    assert api(None).post("/api/auth/login", body).status_code == 401
