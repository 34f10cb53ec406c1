"""Throttles of the API and of sign-in attempts."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.core.cache import caches
from rest_framework.test import APIClient
from rest_framework.views import APIView

from organizations.models import User
from tests.support import factories
from webchat_project.api.throttling import CredentialRateThrottle

pytestmark = pytest.mark.django_db

LOGIN = "/api/auth/login"
LATE_IN_A_MINUTE = datetime(2030, 1, 1, 12, 0, 50, tzinfo=UTC)


def statuses(count: int, call: Any) -> list[int]:
    """Return the statuses of repeated calls."""
    return [call().status_code for _ in range(count)]


def test_user_is_throttled_across_all_tokens(api: Any, admin: User, throttle_rates: Any) -> None:
    throttle_rates(credential="3/min")
    responses = [api(admin).get("/api/webchats") for _ in range(4)]
    assert [response.status_code for response in responses] == [200, 200, 200, 429]
    assert responses[-1].json()["code"] == "rate_limited"
    assert 0 < int(responses[-1].headers["Retry-After"]) <= 2 * 60


def test_each_api_key_is_throttled_separately(api: Any, admin: User, throttle_rates: Any) -> None:
    throttle_rates(credential="2/min")
    for secret in ("wck_first", "wck_second"):
        client = APIClient()
        factories.ApiKeyFactory.create(user=admin, secret=secret)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
        assert statuses(3, lambda c=client: c.get("/api/webchats")) == [200, 200, 429]


def test_requests_with_invalid_credentials_are_throttled_by_address(
    api: Any, throttle_rates: Any
) -> None:
    throttle_rates(address="3/min")
    client = api(None)
    client.credentials(HTTP_AUTHORIZATION="Bearer wck_invalid")
    assert statuses(4, lambda: client.get("/api/webchats")) == [401, 401, 401, 429]


def test_requests_without_credential_are_throttled_by_address(
    api: Any, throttle_rates: Any
) -> None:
    throttle_rates(address="2/min")
    client = api(None)
    assert statuses(3, lambda: client.get("/api/webchats")) == [401, 401, 429]


def test_forbidden_requests_are_counted(api: Any, rep: User, throttle_rates: Any) -> None:
    throttle_rates(credential="2/min")
    client = api(rep)
    assert statuses(3, lambda: client.post("/api/webchats", {})) == [403, 403, 429]


def test_failed_login_is_counted_once(api: Any, throttle_rates: Any) -> None:
    throttle_rates(address="4/min")
    client = api(None)
    assert statuses(3, lambda: client.post(LOGIN, {"email": "a@b.c", "password": "x"})) == [401] * 3
    assert client.get("/api/webchats").status_code == 401
    assert client.get("/api/webchats").status_code == 429


def test_ipv6_addresses_of_a_64_network_are_throttled_together(
    api: Any, throttle_rates: Any
) -> None:
    throttle_rates(address="2/min")
    client = api(None)

    def call(address: str) -> int:
        status: int = client.get("/api/webchats", REMOTE_ADDR=address).status_code
        return status

    assert [call(f"2001:db8::{number}") for number in (1, 2, 3)] == [401, 401, 429]
    assert call("2001:db8:0:1::1") == 401
    assert [call(f"::ffff:192.0.2.{number}") for number in (1, 2, 2)] == [401] * 3


def test_forged_x_forwarded_for_does_not_evade_throttling(api: Any, throttle_rates: Any) -> None:
    throttle_rates(address="2/min")
    client = api(None)
    calls = [
        client.get("/api/webchats", HTTP_X_FORWARDED_FOR=f"10.0.0.{number}").status_code
        for number in range(3)
    ]
    assert calls == [401, 401, 429]


def test_x_forwarded_for_is_trusted_for_the_configured_proxies(
    api: Any, throttle_rates: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    throttle_rates(address="2/min")
    monkeypatch.setattr("rest_framework.settings.api_settings.NUM_PROXIES", 1, raising=False)
    client = api(None)

    def call(forwarded: str) -> int:
        status: int = client.get("/api/webchats", HTTP_X_FORWARDED_FOR=forwarded).status_code
        return status

    forged = [call(f"10.0.0.{number}, 203.0.113.9") for number in range(3)]
    assert forged == [401, 401, 429]
    assert call("10.0.0.1, 203.0.113.10") == 401


def test_login_attempts_are_throttled_by_address(api: Any) -> None:
    client = api(None)
    attempts = [
        client.post(LOGIN, {"email": f"somebody{number}@example.com", "password": "x"}).status_code
        for number in range(11)
    ]
    assert attempts == [401] * 10 + [429]


def test_login_attempts_are_throttled_by_account_in_any_spelling(
    api: Any, throttle_rates: Any
) -> None:
    throttle_rates(sign_in_address="1000/min")
    client = api(None)
    spellings = ["A@example.com", "a@example.com", " a@EXAMPLE.com"]
    attempts = [
        client.post(LOGIN, {"email": spellings[number % 3], "password": "x"}).status_code
        for number in range(11)
    ]
    assert attempts == [401] * 10 + [429]
    other = client.post(LOGIN, {"email": "b@example.com", "password": "x"})
    assert other.status_code == 401


def test_many_addresses_do_not_evict_the_counter_of_an_account(
    api: Any, throttle_rates: Any
) -> None:
    throttle_rates(sign_in_account="1/min", sign_in_new_address="0/min")
    client = api(None)
    body = {"email": "a@example.com", "password": "x"}
    assert statuses(2, lambda: client.post(LOGIN, body)) == [401, 429]
    for number in range(400):
        client.get("/api/webchats", REMOTE_ADDR=f"2001:db8:0:{number:x}::1")
    assert client.post(LOGIN, body).status_code == 429


def test_throttled_login_fails_even_with_the_right_password(api: Any, throttle_rates: Any) -> None:
    throttle_rates(sign_in_account="1/min", sign_in_new_address="0/min")
    user = factories.UserFactory.create(password="right-password")
    client = api(None)
    body = {"email": user.email, "password": "right-password"}
    assert statuses(2, lambda: client.post(LOGIN, body)) == [200, 429]


@pytest.mark.parametrize(
    ("rate", "parsed"), [("30/min", (30, 60)), ("10/5min", (10, 300)), ("2/day", (2, 86_400))]
)
def test_a_rate_may_be_for_several_minutes(rate: str, parsed: tuple[int, int]) -> None:
    assert CredentialRateThrottle().parse_rate(rate) == parsed


def test_window_slides_instead_of_starting_each_minute(api: Any, throttle_rates: Any) -> None:
    throttle_rates(address="4/min")
    client = api(None)
    with time_machine.travel(LATE_IN_A_MINUTE, tick=False) as clock:
        assert statuses(5, lambda: client.get("/api/webchats")) == [401] * 4 + [429]
        clock.shift(11)  # The clock's next minute begins.
        assert statuses(1, lambda: client.get("/api/webchats")) == [429]
        clock.shift(19)  # Two thirds of the previous minute count.
        assert statuses(2, lambda: client.get("/api/webchats")) == [401, 429]
        clock.shift(60)
        assert statuses(2, lambda: client.get("/api/webchats")) == [401, 401]


@pytest.mark.parametrize("requests_before", [0, 3])
def test_request_succeeds_after_the_time_of_retry_after(
    api: Any, throttle_rates: Any, requests_before: int
) -> None:
    throttle_rates(address="4/min")
    client = api(None)
    with time_machine.travel(LATE_IN_A_MINUTE, tick=False) as clock:
        statuses(requests_before, lambda: client.get("/api/webchats"))
        clock.shift(20)
        statuses(4, lambda: client.get("/api/webchats"))
        refused = client.get("/api/webchats")
        assert refused.status_code == 429
        seconds = int(refused.headers["Retry-After"])
        clock.shift(seconds - 2)
        assert client.get("/api/webchats").status_code == 429
        clock.shift(2)
        assert client.get("/api/webchats").status_code == 401


def test_parallel_requests_are_all_counted(api: Any, admin: User, throttle_rates: Any) -> None:
    throttle_rates(credential="10/min")
    request = api(admin).get("/api/webchats").wsgi_request
    request.user, request.auth = admin, None

    def allowed(_: int) -> bool:
        return CredentialRateThrottle().allow_request(request, APIView())

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(allowed, range(40))) == 9


@pytest.mark.parametrize("method", ["incr", "decr"])
def test_throttle_works_if_the_counter_is_lost_meanwhile(
    api: Any, throttle_rates: Any, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """The cache becomes unavailable, or available again, between two of its operations."""

    def fail(*args: object) -> None:
        raise ValueError("Key not found")

    throttle_rates(address="1/min")
    client = api(None)
    assert client.get("/api/webchats").status_code == 401
    monkeypatch.setattr(caches["default"], method, fail)
    assert client.get("/api/webchats").status_code == {"incr": 401, "decr": 429}[method]
