"""The one error shape, whoever raised the error."""

import json
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.conf import settings
from django.db import IntegrityError, OperationalError
from django.test import Client, override_settings
from rest_framework.test import APIClient

from organizations.models import User
from tests.support import factories
from webchat_project.wsgi import application
from webchats.models import Webchat
from webchats.views import WebchatViewSet

pytestmark = pytest.mark.django_db


def assert_error(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"].startswith("application/json")
    body: dict[str, Any] = answer.json()
    assert body.keys() <= {"error", "code", "details"}
    assert body["code"] == code
    assert body["error"]
    assert ("details" in body) == (code == "validation_error")
    return body


def send(client: APIClient, body: str | bytes, content_type: str = "application/json") -> Any:
    return client.post("/api/webchats", body, content_type=content_type)


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "",
        "nonsense",
        '{"name": NaN}',
        '{"name": Infinity}',
        '{"offsetX": -Infinity}',
        '{"name": "a", "name": "b"}',
        '{"name": "a" "b"}',
        "{'name': 'a'}",
        '{"a": "\x01"}',
        b'{"name": "\xff"}',
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"zIndex": ' + "9" * 5000 + "}",
    ],
    ids=lambda body: repr(body)[:30],
)
def test_body_that_is_not_json_is_malformed(api_client: APIClient, body: Any) -> None:
    if body == "":
        assert_error(
            send(api_client, body), 400, "validation_error"
        )  # no body at all: nothing sent
    else:
        assert_error(send(api_client, body), 400, "malformed")
    assert not Webchat.objects.exists()


def test_body_of_null_is_invalid(api_client: APIClient) -> None:
    assert_error(send(api_client, "null"), 400, "validation_error")


@pytest.mark.parametrize("body", ["[]", "5", '"text"', "true", '[{"name": "a"}]'])
def test_body_must_be_an_object(api_client: APIClient, body: str) -> None:
    answer = assert_error(send(api_client, body), 400, "validation_error")
    assert answer["details"][0]["message"] == "Must be a JSON object."


@pytest.mark.parametrize("value", ["1e400", "-1e400", "9" * 400])
def test_huge_number_is_out_of_range(api_client: APIClient, value: str) -> None:
    answer = assert_error(send(api_client, f'{{"zIndex": {value}}}'), 400, "validation_error")
    assert "zIndex" in {detail["field"] for detail in answer["details"]}


def test_deeply_nested_value_has_the_wrong_type(api_client: APIClient) -> None:
    nested = "[" * 500 + "]" * 500
    answer = assert_error(send(api_client, f'{{"name": {nested}}}'), 400, "validation_error")
    assert "name" in {detail["field"] for detail in answer["details"]}


def test_error_quotes_an_unpaired_surrogate(api_client: APIClient) -> None:
    answer = assert_error(send(api_client, r'{"position": "\ud800"}'), 400, "validation_error")
    [detail] = [detail for detail in answer["details"] if detail["field"] == "position"]
    assert "\ud800" in detail["message"]


def test_byte_order_mark_is_ignored(api_client: APIClient) -> None:
    assert_error(send(api_client, b"\xef\xbb\xbf{}"), 400, "validation_error")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x"]
)
def test_other_media_types_are_unsupported(api_client: APIClient, content_type: str) -> None:
    assert_error(send(api_client, "{}", content_type), 415, "unsupported_media_type")


def test_large_body_is_refused_before_it_is_read(api_client: APIClient) -> None:
    body = json.dumps({"name": "a" * 10 * 1024 * 1024})
    assert_error(send(api_client, body), 413, "payload_too_large")


def test_maximum_body_size_is_a_setting(api_client: APIClient) -> None:
    with override_settings(MAX_BODY_BYTES=10):
        assert_error(send(api_client, '{"name": 1}'), 413, "payload_too_large")
        assert_error(send(api_client, '{"n": 1}'), 400, "validation_error")


@pytest.mark.parametrize(
    ("length", "status", "code"),
    [("\u00b2", 400, "validation_error"), ("9" * 5000, 413, "payload_too_large")],
)
def test_malformed_content_length_is_not_a_server_error(
    api_client: APIClient, length: str, status: int, code: str
) -> None:
    answer = api_client.generic(
        "POST", "/api/webchats", "", content_type="application/json", CONTENT_LENGTH=length
    )
    assert_error(answer, status, code)


def test_malformed_content_type_is_not_a_server_error() -> None:
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    environ |= {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/api/webchats",
        "CONTENT_TYPE": "application/json; x*=nope'en'%41",
        "HTTP_HOST": "localhost",
    }
    statuses: list[str] = []

    def start_response(status: str, headers: Any, error: Any = None) -> Any:
        statuses.append(status)

    body = b"".join(application(environ, start_response))
    assert statuses == ["401 Unauthorized"]
    assert json.loads(body)["code"] == "not_authenticated"


@pytest.mark.parametrize("body", ['{"zIndex": ' + "9" * 5000 + "}"])
def test_error_messages_do_not_reveal_internals(api_client: APIClient, body: str) -> None:
    assert b"sys." not in send(api_client, body).content


def test_request_without_credential_gets_401(api: Any) -> None:
    answer = api(None).get("/api/webchats")
    assert_error(answer, 401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'


def test_invalid_credential_gets_401_with_the_same_message(api: Any) -> None:
    client = api(None)
    client.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
    answer = client.get("/api/webchats")
    body = assert_error(answer, 401, "invalid_token")
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
    answer = getattr(api_client, verb)(path)
    assert_error(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"]


def test_unacceptable_media_type_gets_406_as_json(api_client: APIClient) -> None:
    answer = api_client.get("/api/webchats", HTTP_ACCEPT="application/xml")
    assert_error(answer, 406, "not_acceptable")


@pytest.mark.parametrize("redirect", [True, False])
def test_disallowed_host_gets_400_as_json(redirect: bool) -> None:
    with override_settings(SECURE_SSL_REDIRECT=redirect):
        answer = Client().get("/api/webchats", HTTP_HOST="evil.example.com")
    assert_error(answer, 400, "bad_request")


@pytest.mark.parametrize("debug", [True, False])
def test_unhandled_exception_shows_no_traceback(
    api: Any, admin: User, monkeypatch: pytest.MonkeyPatch, debug: bool
) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(WebchatViewSet, "retrieve", fail)
    client = api(admin, raise_request_exception=False)
    with override_settings(DEBUG=debug):
        answer = client.get("/api/webchats/" + "0" * 24)
    assert_error(answer, 500, "internal_error")
    assert b"secret" not in answer.content
    assert b"Traceback" not in answer.content


def test_unavailable_database_gets_503(
    api_client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(WebchatViewSet, "retrieve", fail)
    answer = api_client.get("/api/webchats/" + "0" * 24)
    assert_error(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0


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


def test_unknown_root_of_the_api_gets_json() -> None:
    assert_error(Client().get("/api"), 404, "not_found")


def test_health_checks_allow_get_only() -> None:
    answer = Client(enforce_csrf_checks=True).post("/healthz")
    assert_error(answer, 405, "method_not_allowed")


def test_error_keeps_the_security_headers() -> None:
    answer = Client().get("/api/nothing")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_errors_outside_the_api_are_html() -> None:
    answer = Client().get("/nothing")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")


def test_default_maximum_body_size_is_one_mebibyte() -> None:
    assert settings.MAX_BODY_BYTES == 1024 * 1024
