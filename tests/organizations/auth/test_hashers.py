"""The password hasher."""

import threading
from concurrent.futures import ThreadPoolExecutor

import argon2
import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, make_password
from pytest_django import Settings

from tests.support.environment import PRODUCTION, load_settings


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
    with ThreadPoolExecutor(4) as threads:
        checks = [threads.submit(check_password, "wrong", encoded) for _ in range(4)]
        hashes = [threads.submit(make_password, "another one") for _ in range(4)]
        assert not any(check.result() for check in checks)
        assert all(hashed.result() for hashed in hashes)
    assert most == 1
