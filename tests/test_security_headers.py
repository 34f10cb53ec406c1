"""What browsers are told of our answers, and how long staff stay signed in."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings as now
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from organizations.models import User
from tests.support.environment import PRODUCTION, load_settings
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
TOO_LARGE: dict[str, Any] = {"content_type": "application/json", "CONTENT_LENGTH": "99999999"}
Answers = dict[str, Any]


@pytest.fixture
def of_the_api(api: Callable[..., APIClient], admin: User, webchat: Webchat) -> Answers:
    client, anonymous = api(admin), api(None)
    return {
        "a list": client.get("/api/webchats"),
        "a document": client.get(f"/api/webchats/{webchat.pk}"),
        "an export": client.get("/api/webchats/export"),
        "a new document": client.post("/api/prompts", {"name": "A", "instructions": "B"}),
        "a refusal": anonymous.get("/api/webchats"),
        "a failed sign-in": anonymous.post("/api/auth/login", {"email": "a@b.c", "password": "x"}),
        "a wrong body": client.post("/api/webchats", {}),
        "an unknown path": client.get("/api/nothing"),
        "another method": client.delete("/api/webchats"),
        "a large body": Client().post("/api/webchats", b"{}", **TOO_LARGE),
        "a refused host": Client().get("/api/webchats", HTTP_HOST="evil.example.com"),
    }


@pytest.fixture
def pages(session_client: Client, webchat: Webchat) -> Answers:
    return {
        "the staff's first page": session_client.get("/admin/"),
        "a form": session_client.get(f"/admin/webchats/webchat/{webchat.pk}/change/"),
        "the sign-in": Client().get("/admin/login/"),
        "a missing page of the staff": session_client.get("/admin/nothing/"),
        "the documentation": Client().get("/api/docs"),
        "an unknown path": Client().get("/nothing"),
        "a refused host": Client().get("/nothing", HTTP_HOST="evil.example.com"),
        "the frame": Client().get(f"/widget/{webchat.pk}"),
    }


@pytest.fixture
def others(webchat: Webchat) -> Answers:
    return {
        "health": Client().get("/healthz"),
        "the loader": Client().get("/embed.js"),
        "a configuration": Client().get(f"/widget/{webchat.pk}/config"),
        "an unknown configuration": Client().get("/widget/0/config"),
        "an icon": Client().get("/icons/orgs/a.png"),
    }


def headers(answers: Answers, name: str) -> dict[str, str | None]:
    return {kind: answer.headers.get(name) for kind, answer in answers.items()}


def test_every_response_has_nosniff(of_the_api: Answers, pages: Answers, others: Answers) -> None:
    for answers in (of_the_api, pages, others):
        found = headers(answers, "X-Content-Type-Options")
        assert found == dict.fromkeys(answers, "nosniff")
        assert all(answer.headers.get("Content-Type") for answer in answers.values())


def test_api_responses_are_not_cached(of_the_api: Answers) -> None:
    assert headers(of_the_api, "Cache-Control") == dict.fromkeys(of_the_api, "no-store")


def test_admin_pages_are_not_cached(session_client: Client, pages: Answers) -> None:
    redirect = Client().get("/admin/")
    assert redirect.status_code == 302
    for answer in (
        pages["the staff's first page"],
        pages["a form"],
        pages["the sign-in"],
        redirect,
    ):
        assert "no-store" in answer.headers["Cache-Control"]
    # A list of words, the same for everybody.
    assert "Cache-Control" not in session_client.get("/admin/jsi18n/").headers


def test_csp_of_responses_that_are_not_pages_allows_nothing(
    of_the_api: Answers, others: Answers
) -> None:
    for policy in headers(of_the_api | others, "Content-Security-Policy").values():
        assert policy is not None
        directives = {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"}
        assert directives <= set(policy.split("; "))


def test_csp_of_pages_allows_no_inline_code(pages: Answers) -> None:
    for kind, policy in headers(pages, "Content-Security-Policy").items():
        assert policy, kind
        assert "unsafe" not in policy
        assert "base-uri 'none'" in policy
        if kind != "the frame":
            assert "frame-ancestors 'none'" in policy


def test_error_page_has_a_csp(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("webchats.models.querysets.WebchatQuerySet.enabled", fail)
    answer = Client(raise_request_exception=False).get(f"/widget/{'0' * 24}")
    assert answer.status_code == 500
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_permissions_policy_of_pages_denies_devices(pages: Answers) -> None:
    for policy in headers(pages, "Permissions-Policy").values():
        assert policy is not None
        assert {"camera=()", "geolocation=()", "microphone=()"} <= set(policy.split(", "))


def test_responses_are_isolated_from_other_origins(pages: Answers, of_the_api: Answers) -> None:
    pages.pop("the frame")  # which is made for other sites
    for answers in (pages, of_the_api):
        found = headers(answers, "Cross-Origin-Opener-Policy")
        assert found == dict.fromkeys(answers, "same-origin")
        assert headers(answers, "Referrer-Policy") == dict.fromkeys(answers, "same-origin")
    found = headers(of_the_api, "Cross-Origin-Resource-Policy")
    assert found == dict.fromkeys(of_the_api, "same-origin")


def test_api_sends_no_cors_headers(api: Any, admin: User) -> None:
    origin = {"origin": "https://evil.example.com"}
    asked = {"access-control-request-method": "GET"}
    answers = {
        "preflight": api(None).options("/api/webchats", headers=origin | asked),
        "preflight with a credential": api(admin).options("/api/webchats", headers=origin | asked),
        "request": api(admin).get("/api/webchats", headers=origin),
        "sign-in": api(None).post("/api/auth/login", {}, headers=origin),
    }
    for answer in answers.values():
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


def test_no_response_names_the_server_software(of_the_api: Answers, pages: Answers) -> None:
    for answer in (*of_the_api.values(), *pages.values()):
        assert {"server", "x-powered-by"}.isdisjoint(name.lower() for name in answer.headers)


# --- Transport and cookies ---


def test_production_redirects_to_https_with_hsts() -> None:
    with override_settings(
        SECURE_SSL_REDIRECT=True, SECURE_HSTS_SECONDS=now.SECURE_HSTS_SECONDS or 31_536_000
    ):
        plain, safe = Client().get("/admin/login/"), Client().get("/admin/login/", secure=True)
    assert (plain.status_code, plain.headers["Location"][:8]) == (301, "https://")
    assert safe.headers["Strict-Transport-Security"] == "max-age=31536000"
    production = load_settings(**PRODUCTION)
    assert production["SECURE_SSL_REDIRECT"] is True
    assert production["SECURE_HSTS_SECONDS"] == 31_536_000


def test_api_refuses_plain_http_without_a_redirect(api: Any, admin: User) -> None:
    with override_settings(SECURE_SSL_REDIRECT=True):
        plain, safe = (api(admin).get("/api/webchats", secure=secure) for secure in (False, True))
        documentation = Client().get("/api/docs")
    assert (plain.status_code, plain.json()["code"]) == (403, "https_required")
    assert safe.status_code == 200
    assert documentation.status_code == 301


def test_production_cookies_are_secure_and_bound_to_the_host() -> None:
    names = ("NAME", "SECURE", "HTTPONLY", "SAMESITE", "DOMAIN", "PATH")
    production = load_settings(**PRODUCTION)
    for kind, name, samesite in (("SESSION", "sessionid", "Lax"), ("CSRF", "csrftoken", "Strict")):
        values = [production[f"{kind}_COOKIE_{part}"] for part in names]
        assert values == [f"__Host-{name}", True, True, samesite, None, "/"]


def test_cookies_are_http_only(admin: User) -> None:
    admin.set_password(PASSWORD)
    admin.save()
    client = Client()
    client.post("/admin/login/", {"username": admin.email, "password": PASSWORD})
    client.get("/admin/password_change/")
    cookies = {name: (one["httponly"], one["samesite"]) for name, one in client.cookies.items()}
    assert cookies == {"sessionid": (True, "Lax"), "csrftoken": (True, "Strict")}


def test_api_ignores_and_sets_no_cookies(session_client: Client, of_the_api: Answers) -> None:
    assert session_client.get("/api/webchats").status_code == 401
    assert [kind for kind, answer in of_the_api.items() if answer.cookies] == []


def test_admin_form_without_csrf_token_is_refused(admin: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin)
    answer = client.post("/admin/webchats/webchat/add/", {"name": "x"})
    assert answer.status_code == 403
    assert not Webchat.objects.exists()


# --- The staff's session ---


def opens(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def with_cookie(value: str) -> Client:
    client = Client()
    client.cookies[now.SESSION_COOKIE_NAME] = value
    return client


def test_logout_invalidates_the_session(session_client: Client) -> None:
    cookie = session_client.cookies[now.SESSION_COOKIE_NAME].value
    assert opens(with_cookie(cookie))
    session_client.post(reverse("admin:logout"))
    assert not opens(with_cookie(cookie))


def test_login_changes_the_session_key(admin: User) -> None:
    admin.set_password(PASSWORD)
    admin.save()
    client = Client()
    session = client.session
    session["planted"] = True
    session.save()
    planted = str(session.session_key)
    client.cookies[now.SESSION_COOKIE_NAME] = planted
    client.post("/admin/login/", {"username": admin.email, "password": PASSWORD})
    assert opens(client)
    assert client.cookies[now.SESSION_COOKIE_NAME].value != planted
    assert not opens(with_cookie(planted))


def test_session_ends_after_twelve_hours_even_if_in_use(session_client: Client) -> None:
    start = timezone.now()
    for hours in range(1, 12):
        with time_machine.travel(start + timedelta(hours=hours)):
            assert opens(session_client), hours
    with time_machine.travel(start + timedelta(hours=12, minutes=1)):
        assert not opens(session_client)


@pytest.mark.parametrize("change", ["password", "deactivation", "deletion"])
def test_session_ends_when_its_user_changes(
    session_client: Client, admin: User, change: str
) -> None:
    assert opens(session_client)
    if change == "password":
        admin.set_password("another password")
        admin.save()
    elif change == "deactivation":
        User.objects.update(is_active=False)
    else:
        admin.delete()
    assert not opens(session_client)


@pytest.mark.parametrize("weak", ["short", "password123", "1234567890123", "{email}"])
def test_weak_password_is_refused(
    session_client: Client, admin: User, rep: User, weak: str
) -> None:
    password = weak.format(email=rep.email)
    before = rep.password
    sent = {"password1": password, "password2": password, "usable_password": "true"}
    answer = session_client.post(f"/admin/organizations/user/{rep.pk}/password/", sent)
    assert answer.status_code == 200
    rep.refresh_from_db()
    assert rep.password == before
    strong = dict.fromkeys(("password1", "password2"), PASSWORD) | {"usable_password": "true"}
    assert (
        session_client.post(f"/admin/organizations/user/{rep.pk}/password/", strong).status_code
        == 302
    )
