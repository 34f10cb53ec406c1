"""Throttling of sign-in attempts on the admin site."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.support import factories

pytestmark = pytest.mark.django_db

WRONG_PASSWORD = {"username": "ada@example.com", "password": "wrong"}


@pytest.fixture(autouse=True)
def _three_attempts_a_minute(throttle_rates: Callable[..., None]) -> None:
    throttle_rates(sign_in_address="3/min", sign_in_account="3/min", sign_in_new_address="0/min")


def test_too_many_attempts_are_throttled() -> None:
    client, login_url = Client(), reverse("admin:login")
    for _ in range(3):
        assert client.post(login_url, WRONG_PASSWORD).status_code == 200
    response = client.post(login_url, WRONG_PASSWORD)
    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= 2 * 60
    assert "Too many sign-in attempts" in response.content.decode()
    assert client.get(login_url).status_code == 200


def test_throttled_sign_in_rejects_the_right_password() -> None:
    factories.UserFactory.create(email="ada@example.com", password="right-and-long")
    client, login_url = Client(), reverse("admin:login")
    for _ in range(3):
        client.post(login_url, WRONG_PASSWORD)
    response = client.post(login_url, {**WRONG_PASSWORD, "password": "right-and-long"})
    assert response.status_code == 429
    assert "_auth_user_id" not in client.session


def test_attempts_on_an_account_are_throttled_across_addresses() -> None:
    login_url = reverse("admin:login")
    statuses = [
        Client(REMOTE_ADDR=f"192.0.2.{n}").post(login_url, WRONG_PASSWORD).status_code
        for n in range(5)
    ]
    assert statuses == [200, 200, 200, 429, 429]


def test_api_and_admin_site_count_attempts_together(api: Any) -> None:
    for _ in range(3):
        api(None).post(
            "/api/auth/login", {"email": WRONG_PASSWORD["username"], "password": "wrong"}
        )
    assert (
        Client(REMOTE_ADDR="192.0.2.9").post(reverse("admin:login"), WRONG_PASSWORD).status_code
        == 429
    )


def test_admin_pages_have_a_strict_csp() -> None:
    for address in (reverse("admin:login"), "/admin/does/not/exist/"):
        policy = Client().get(address, follow=True).headers["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


def test_spellings_of_an_account_are_counted_together() -> None:
    login_url = reverse("admin:login")
    spellings = [
        "ada@example.com",
        "Ada@example.com",
        "\uff41da@example.com",
        "a\uff44a@example.com",
    ]
    statuses = [
        Client(REMOTE_ADDR=f"192.0.2.{number}")
        .post(login_url, {**WRONG_PASSWORD, "username": spelling})
        .status_code
        for number, spelling in enumerate(spellings)
    ]
    assert statuses == [200, 200, 200, 429]


def test_signed_out_page_links_to_the_sign_in_page(session_client: Client) -> None:
    response = session_client.post(reverse("admin:logout"))
    assert response.status_code == 200
    content = response.content.decode()
    assert "<h1>Signed out</h1>" in content
    assert f'href="{reverse("admin:index")}">Sign in again' in content


def test_error_of_the_sign_in_form_does_not_depend_on_the_account(db: None) -> None:
    factories.UserFactory.create(email=WRONG_PASSWORD["username"], password="right-and-long")
    login_url = reverse("admin:login")
    responses = [
        Client().post(login_url, {**WRONG_PASSWORD, "username": email})
        for email in (WRONG_PASSWORD["username"], "nobody@example.com")
    ]
    known, unknown = (list(response.context["form"].non_field_errors()) for response in responses)
    assert known == unknown
    assert len(known) == 1


@pytest.mark.parametrize(
    ("next_page", "target"),
    [
        ("https://evil.example/", "/admin/"),
        ("//evil.example", "/admin/"),
        ("javascript:alert(1)", "/admin/"),
        ("/\\evil.example", "/admin/"),
        ("", "/admin/"),
        (None, "/admin/"),
        ("/admin/organizations/prompt/", "/admin/organizations/prompt/"),
    ],
)
def test_sign_in_redirects_to_the_overview_instead_of_a_refused_page(
    next_page: str | None, target: str
) -> None:
    factories.UserFactory.create(email="ada@example.com", password="right-and-long")
    query = {} if next_page is None else {"next": next_page}
    address = reverse("admin:login", query=query)
    response = Client().post(address, {"username": "ada@example.com", "password": "right-and-long"})
    assert (response.status_code, response.headers["Location"]) == (302, target)
    posted = {"username": "ada@example.com", "password": "right-and-long", **query}
    response = Client().post(reverse("admin:login"), posted)
    assert (response.status_code, response.headers["Location"]) == (302, target)


def test_the_page_of_an_app_redirects_to_the_overview(session_client: Client) -> None:
    assert session_client.get("/admin/webchats/")["Location"] == reverse("admin:index")


def test_imports_follow_webchats_in_the_navigation(session_client: Client) -> None:
    page = session_client.get(reverse("admin:index")).content.decode()
    names = ("webchats_webchat", "webchats_importrecord")
    links = [f'href="{reverse(f"admin:{name}_changelist")}"' for name in names]
    assert 0 < page.index(links[0]) < page.index(links[1])


PROMPTS = "/admin/organizations/prompt/"
RIGHT_PASSWORD = {"username": "ada@example.com", "password": "right-and-long"}


def sign_in(client: Client) -> None:
    factories.UserFactory.create(email="ada@example.com", password="right-and-long")
    assert client.post(reverse("admin:login"), RIGHT_PASSWORD).status_code == 302


@pytest.mark.parametrize(
    ("next_page", "target"),
    [(PROMPTS, PROMPTS), ("//evil.example", "/admin/"), (None, "/admin/")],
)
def test_sign_in_page_of_a_signed_in_user_redirects_to_the_requested_page(
    session_client: Client, next_page: str | None, target: str
) -> None:
    query = {} if next_page is None else {"next": next_page}
    response = session_client.get(reverse("admin:login", query=query))
    assert (response.status_code, response.headers["Location"]) == (302, target)


@pytest.mark.parametrize(("email", "status"), [("Ada@example.com", 302), ("bo@example.com", 403)])
def test_form_of_a_second_tab_continues_for_the_user_of_the_first(email: str, status: int) -> None:
    client = Client(enforce_csrf_checks=True)
    address = reverse("admin:login", query={"next": PROMPTS})
    first, second = (client.get(address).context["csrf_token"] for _ in range(2))
    factories.UserFactory.create(email="ada@example.com", password="right-and-long")
    client.post(address, {**RIGHT_PASSWORD, "csrfmiddlewaretoken": str(first)})
    posted = {**RIGHT_PASSWORD, "username": email, "csrfmiddlewaretoken": str(second)}
    response = client.post(address, posted, follow=True)
    assert response.redirect_chain == [(address, 302), (PROMPTS, 302)][: 2 * (status == 302)]
    assert client.get(PROMPTS).context["user"].email == "ada@example.com"


def test_sign_in_page_says_that_the_session_has_ended() -> None:
    def is_said() -> bool:
        page = client.get(PROMPTS, follow=True).content.decode()
        return 'id="session-ended" role="status">' in page

    client = Client()
    assert not is_said()
    sign_in(client)
    # The browser deletes it when it expires.
    del client.cookies["sessionid"]
    assert is_said()
    client.post(reverse("admin:login"), RIGHT_PASSWORD)
    client.post(reverse("admin:logout"))
    assert not is_said()
