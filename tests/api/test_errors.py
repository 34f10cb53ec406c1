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


@pytest.mark.parametrize("header", ["", "Token abc", "Basic abc", "abc"])
def test_request_without_bearer_credential_gets_401_that_names_the_header(
    api: Any, header: str
) -> None:
    response = api(None).get("/api/webchats", headers={"authorization": header})
    body = assert_error(response, 401, "not_authenticated")
    assert body["error"] == "Send the header Authorization: Bearer <token>."
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


@pytest.mark.parametrize("verb", ["get", "post"])
@pytest.mark.parametrize("path", ["/api/webchats", "/api/auth/login", "/api/docs"])
def test_trailing_slash_gets_404_with_the_path_without_it(
    api_client: APIClient, verb: str, path: str
) -> None:
    body = assert_error(getattr(api_client, verb)(f"{path}/"), 404, "not_found")
    assert body["error"] == f"Not found. Did you mean {path}, without the trailing slash?"


def test_unknown_path_with_a_trailing_slash_gets_404_without_a_proposal(
    api_client: APIClient,
) -> None:
    assert assert_error(api_client.get("/api/x/"), 404, "not_found")["error"] == "Not found."


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
    body = assert_error(response, 406, "not_acceptable")
    assert "Accept application/json." in body["error"]


@pytest.mark.parametrize(
    ("verb", "path", "media_type", "message"),
    [
        (
            "post",
            "/api/webchats",
            "application/x-www-form-urlencoded",
            'The media type "application/x-www-form-urlencoded" is not supported. '
            "Send application/json.",
        ),
        ("post", "/api/webchats", "", "Content-Type is missing. Send application/json."),
        (
            "put",
            f"/api/webchats/{'0' * 24}/icon",
            "application/json",
            'The media type "application/json" is not supported. '
            "Send multipart/form-data with the field “file”.",
        ),
        (
            "post",
            "/api/upload",
            "image/png",
            'The media type "image/png" is not supported. '
            "Send multipart/form-data with the field “files”.",
        ),
    ],
)
def test_unsupported_media_type_gets_415_that_names_the_accepted_one(
    api_client: APIClient, admin: User, verb: str, path: str, media_type: str, message: str
) -> None:
    webchat = factories.WebchatFactory.create(user=admin)
    path = path.replace("0" * 24, webchat.pk)
    response = api_client.generic(verb.upper(), path, "x", content_type=media_type)
    assert assert_error(response, 415, "unsupported_media_type")["error"] == message


@pytest.mark.parametrize(
    ("path", "choices"),
    [
        ("/api/webchats?ordering=created_at", ("createdAt", "-updatedAt", "name")),
        ("/api/webchats?isEnabled=yes", ("true", "false")),
        ("/api/webchats/export?format=xml", ("csv", "json", "ndjson", "xlsx")),
        ("/api/schema?format=xml", ("json", "yaml")),
    ],
)
def test_error_of_a_choice_in_the_query_lists_the_choices(
    api_client: APIClient, path: str, choices: tuple[str, ...]
) -> None:
    body = assert_error(api_client.get(path), 400, "validation_error")
    (detail,) = body["details"]
    assert detail["code"] == "invalid_choice"
    for choice in choices:
        assert choice in detail["message"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/webchats", []),
        ("/api/webchats", {"allowedDomains": "example.com", "position": 1, "name": []}),
        ("/api/pipelines", {"name": "x", "stages": {}}),
        ("/api/pipelines", {"name": "x", "stages": [1, [], {"isActive": "x"}]}),
        ("/api/prompts", {"temperature": [], "maxTokens": {}, "instructions": 1}),
        ("/api/auth/login", []),
        ("/api/auth/refresh", {"refreshToken": {}}),
    ],
)
def test_errors_of_wrong_types_have_no_words_of_python(
    api_client: APIClient, path: str, body: Any
) -> None:
    details = assert_error(api_client.post(path, body), 400, "validation_error")["details"]
    for word in ("str", "list", "dict", "int", "NoneType", "dictionary", "items"):
        for detail in details:
            assert f'"{word}"' not in detail["message"]
            assert "dictionary" not in detail["message"]


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
