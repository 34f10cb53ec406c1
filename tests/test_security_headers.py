"""Security headers of every kind of response."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from organizations.models import User
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

TOO_LARGE: dict[str, Any] = {"content_type": "application/json", "CONTENT_LENGTH": "99999999"}
Responses = dict[str, Any]


@pytest.fixture
def api_responses(api: Callable[..., APIClient], admin: User, webchat: Webchat) -> Responses:
    client, anonymous = api(admin), api(None)
    return {
        "list": client.get("/api/webchats"),
        "document": client.get(f"/api/webchats/{webchat.pk}"),
        "export": client.get("/api/webchats/export"),
        "created document": client.post("/api/prompts", {"name": "A", "instructions": "B"}),
        "unauthenticated": anonymous.get("/api/webchats"),
        "failed login": anonymous.post("/api/auth/login", {"email": "a@b.c", "password": "x"}),
        "invalid body": client.post("/api/webchats", {}),
        "unknown path": client.get("/api/nothing"),
        "unsupported method": client.delete("/api/webchats"),
        "large body": Client().post("/api/webchats", b"{}", **TOO_LARGE),
        "disallowed host": Client().get("/api/webchats", HTTP_HOST="evil.example.com"),
    }


@pytest.fixture
def pages(session_client: Client, webchat: Webchat) -> Responses:
    return {
        "admin overview": session_client.get("/admin/"),
        "admin form": session_client.get(f"/admin/webchats/webchat/{webchat.pk}/change/"),
        "admin login": Client().get("/admin/login/"),
        "missing admin page": session_client.get("/admin/nothing/"),
        "API documentation": Client().get("/api/docs"),
        "unknown path": Client().get("/nothing"),
        "disallowed host": Client().get("/nothing", HTTP_HOST="evil.example.com"),
        "frame": Client().get(f"/widget/{webchat.pk}"),
    }


@pytest.fixture
def other_responses(webchat: Webchat) -> Responses:
    return {
        "health check": Client().get("/healthz"),
        "loader": Client().get("/embed.js"),
        "configuration": Client().get(f"/widget/{webchat.pk}/config"),
        "unknown configuration": Client().get("/widget/0/config"),
        "unsigned icon": Client().get("/icons/orgs/a.png"),
    }


def headers(responses: Responses, name: str) -> dict[str, str | None]:
    """Return the header of each response."""
    return {kind: response.headers.get(name) for kind, response in responses.items()}


def test_every_response_has_nosniff(
    api_responses: Responses, pages: Responses, other_responses: Responses
) -> None:
    for responses in (api_responses, pages, other_responses):
        found = headers(responses, "X-Content-Type-Options")
        assert found == dict.fromkeys(responses, "nosniff")
        assert all(response.headers.get("Content-Type") for response in responses.values())


def test_api_responses_are_not_cached(api_responses: Responses) -> None:
    assert headers(api_responses, "Cache-Control") == dict.fromkeys(api_responses, "no-store")


def test_admin_pages_are_not_cached(session_client: Client, pages: Responses) -> None:
    redirect = Client().get("/admin/")
    assert redirect.status_code == 302
    for response in (
        pages["admin overview"],
        pages["admin form"],
        pages["admin login"],
        redirect,
    ):
        assert "no-store" in response.headers["Cache-Control"]
    # The translation catalog is the same for every user.
    assert "Cache-Control" not in session_client.get("/admin/jsi18n/").headers


def test_csp_of_responses_that_are_not_pages_allows_nothing(
    api_responses: Responses, other_responses: Responses
) -> None:
    for policy in headers(api_responses | other_responses, "Content-Security-Policy").values():
        assert policy is not None
        directives = {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"}
        assert directives <= set(policy.split("; "))


def test_csp_of_pages_allows_no_inline_code(pages: Responses) -> None:
    for kind, policy in headers(pages, "Content-Security-Policy").items():
        assert policy, kind
        assert "unsafe" not in policy
        assert "base-uri 'none'" in policy
        if kind != "frame":
            assert "frame-ancestors 'none'" in policy


def test_error_page_has_a_csp(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("webchats.models.querysets.WebchatQuerySet.enabled", fail)
    response = Client(raise_request_exception=False).get(f"/widget/{'0' * 24}")
    assert response.status_code == 500
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_permissions_policy_of_pages_denies_devices(pages: Responses) -> None:
    for policy in headers(pages, "Permissions-Policy").values():
        assert policy is not None
        assert {"camera=()", "geolocation=()", "microphone=()"} <= set(policy.split(", "))


def test_responses_are_isolated_from_other_origins(
    pages: Responses, api_responses: Responses
) -> None:
    pages.pop("frame")  # It is embedded in other sites.
    for responses in (pages, api_responses):
        found = headers(responses, "Cross-Origin-Opener-Policy")
        assert found == dict.fromkeys(responses, "same-origin")
        assert headers(responses, "Referrer-Policy") == dict.fromkeys(responses, "same-origin")
    found = headers(api_responses, "Cross-Origin-Resource-Policy")
    assert found == dict.fromkeys(api_responses, "same-origin")


def test_api_sends_no_cors_headers(api: Any, admin: User) -> None:
    origin = {"origin": "https://evil.example.com"}
    preflight = {"access-control-request-method": "GET"}
    responses = {
        "preflight": api(None).options("/api/webchats", headers=origin | preflight),
        "authenticated preflight": api(admin).options("/api/webchats", headers=origin | preflight),
        "request": api(admin).get("/api/webchats", headers=origin),
        "sign-in": api(None).post("/api/auth/login", {}, headers=origin),
    }
    for response in responses.values():
        assert not [name for name in response.headers if name.lower().startswith("access-control-")]


def test_no_response_names_the_server_software(api_responses: Responses, pages: Responses) -> None:
    for response in (*api_responses.values(), *pages.values()):
        assert {"server", "x-powered-by"}.isdisjoint(name.lower() for name in response.headers)


def test_api_responses_set_no_cookies(api_responses: Responses) -> None:
    assert [kind for kind, response in api_responses.items() if response.cookies] == []
