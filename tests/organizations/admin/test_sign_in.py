"""The staff's sign-in counts as the API's does, on the same account."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.throttling import SimpleRateThrottle

from tests.support import factories

pytestmark = pytest.mark.django_db

WRONG = {"username": "ada@example.com", "password": "wrong"}


@pytest.fixture(autouse=True)
def _three_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = {"sign_in_address": "3/min", "sign_in_account": "3/min"}
    monkeypatch.setattr(
        SimpleRateThrottle, "THROTTLE_RATES", {**SimpleRateThrottle.THROTTLE_RATES, **rates}
    )


def test_too_many_attempts_are_told_to_wait() -> None:
    client, address = Client(), reverse("admin:login")
    for _ in range(3):
        assert client.post(address, WRONG).status_code == 200
    answer = client.post(address, WRONG)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 2 * 60
    assert "Too many sign-in attempts" in answer.content.decode()
    assert client.get(address).status_code == 200


def test_the_right_password_does_not_help_who_tried_too_often() -> None:
    factories.UserFactory.create(email="ada@example.com", password="right-and-long")
    client, address = Client(), reverse("admin:login")
    for _ in range(3):
        client.post(address, WRONG)
    answer = client.post(address, {**WRONG, "password": "right-and-long"})
    assert answer.status_code == 429
    assert "_auth_user_id" not in client.session


def test_an_account_tried_from_many_addresses_is_closed_too() -> None:
    address = reverse("admin:login")
    statuses = [
        Client(REMOTE_ADDR=f"192.0.2.{n}").post(address, WRONG).status_code for n in range(5)
    ]
    assert statuses == [200, 200, 200, 429, 429]


def test_attempts_at_the_api_count_for_the_staff_s_site(api: Any) -> None:
    for _ in range(3):
        api(None).post("/api/auth/login", {"email": WRONG["username"], "password": "wrong"})
    assert Client(REMOTE_ADDR="192.0.2.9").post(reverse("admin:login"), WRONG).status_code == 429


def test_every_staff_page_has_a_strict_policy() -> None:
    for address in (reverse("admin:login"), "/admin/nothing/here/"):
        policy = Client().get(address, follow=True).headers["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


def test_another_spelling_of_the_account_is_the_account() -> None:
    address = reverse("admin:login")
    spellings = [
        "ada@example.com",
        "Ada@example.com",
        "\uff41da@example.com",
        "a\uff44a@example.com",
    ]
    statuses = [
        Client(REMOTE_ADDR=f"192.0.2.{number}")
        .post(address, {**WRONG, "username": spelling})
        .status_code
        for number, spelling in enumerate(spellings)
    ]
    assert statuses == [200, 200, 200, 429]
