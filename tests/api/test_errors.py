"""All errors of the API have one JSON shape, whatever raised them."""

from typing import Any

import pytest
from django.db import IntegrityError, OperationalError
from django.test import Client, override_settings
from rest_framework.test import APIClient

from organizations.models import User
from tests.api.errors import assert_error
from tests.support import factories
from webchats.models import Webchat
from webchats.views import WebchatViewSet

pytestmark = pytest.mark.django_db


def test_request_without_credential_gets_401(api: Any) -> None:
    response = api(None).get("/api/webchats")
    assert_error(response, 401, "not_authenticated")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'


def test_invalid_credential_gets_401_with_the_same_message(api: Any) -> None:
    client = api(None)
    client.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
    response = client.get("/api/webchats")
    body = assert_error(response, 401, "invalid_token")
    assert body["error"] == "Invalid or expired token"


def test_role_without_permission_gets_403(api: Any, rep: User) -> None:
    assert_error(api(rep).post("/api/webchats", {}), 403, "permission_denied")


@pytest.mark.parametrize(
    "path",
    [
        "/api/nothing",
        "/api/",
        "/api/webchats/",
        "/api/webchats/0",
        "/api/webchats/" + "0" * 24,
        "/api/webchats/" + "A" * 24,
        "/api/webchats/" + "0" * 24 + "/nothing",
        "/api/webchats/%00",
        "/api/webchats/%F0%9F%92%A9",
        "/api/webchats/" + "0" * 24 + "%0A",
        "/api/webchats/../webchats/x",
    ],
)
def test_unknown_path_or_id_gets_404(api_client: APIClient, path: str) -> None:
    assert_error(api_client.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("verb", "path"),
    [("put", "/api/webchats"), ("delete", "/api/webchats"), ("get", "/api/auth/login")],
)
def test_unsupported_method_gets_405(api_client: APIClient, verb: str, path: str) -> None:
    response = getattr(api_client, verb)(path)
    assert_error(response, 405, "method_not_allowed")
    assert response.headers["Allow"]


def test_unacceptable_media_type_gets_406_as_json(api_client: APIClient) -> None:
    response = api_client.get("/api/webchats", HTTP_ACCEPT="application/xml")
    assert_error(response, 406, "not_acceptable")


@pytest.mark.parametrize("redirect", [True, False])
def test_disallowed_host_gets_400_as_json(redirect: bool) -> None:
    with override_settings(SECURE_SSL_REDIRECT=redirect):
        response = Client().get("/api/webchats", HTTP_HOST="evil.example.com")
    assert_error(response, 400, "bad_request")


@pytest.mark.parametrize("debug", [True, False])
def test_unhandled_exception_shows_no_traceback(
    api: Any, admin: User, monkeypatch: pytest.MonkeyPatch, debug: bool
) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(WebchatViewSet, "retrieve", fail)
    client = api(admin, raise_request_exception=False)
    with override_settings(DEBUG=debug):
        response = client.get("/api/webchats/" + "0" * 24)
    assert_error(response, 500, "internal_error")
    assert b"secret" not in response.content
    assert b"Traceback" not in response.content


def test_unavailable_database_gets_503(
    api_client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(WebchatViewSet, "retrieve", fail)
    response = api_client.get("/api/webchats/" + "0" * 24)
    assert_error(response, 503, "unavailable")
    assert int(response.headers["Retry-After"]) > 0


def test_prompt_deleted_after_validation_is_a_conflict(
    api_client: APIClient, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save(self: Webchat, **options: Any) -> None:
        try:
            raise RuntimeError("FOREIGN KEY constraint failed")
        except RuntimeError as cause:
            raise IntegrityError("FOREIGN KEY constraint failed") from cause

    webchat = factories.WebchatFactory.create(user=admin)
    monkeypatch.setattr(Webchat, "save", save)
    assert_error(api_client.put(f"/api/webchats/{webchat.pk}", {"name": "x"}), 409, "conflict")


def test_deleting_a_row_in_use_gets_409_with_the_count(api_client: APIClient, admin: User) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    factories.WebchatFactory.create_batch(3, user=admin, prompt=prompt)
    body = assert_error(api_client.delete(f"/api/prompts/{prompt.pk}"), 409, "in_use")
    assert "3 webchats" in body["error"]


def test_root_of_the_api_gets_404_as_json() -> None:
    assert_error(Client().get("/api"), 404, "not_found")


def test_health_checks_allow_get_only() -> None:
    response = Client(enforce_csrf_checks=True).post("/healthz")
    assert_error(response, 405, "method_not_allowed")


def test_error_keeps_the_security_headers() -> None:
    response = Client().get("/api/nothing")
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_errors_outside_the_api_are_html() -> None:
    response = Client().get("/nothing")
    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")
