"""Request bodies: strict JSON, media types, and the maximum size."""

import json
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings
from rest_framework.test import APIClient

from tests.api.errors import assert_error
from tests.support import wsgi
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


def send(client: APIClient, body: str | bytes, content_type: str = "application/json") -> Any:
    return client.post("/api/webchats", body, content_type=content_type)


@pytest.mark.parametrize(
    "body",
    [
        "{",
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
    assert_error(send(api_client, body), 400, "malformed")
    assert not Webchat.objects.exists()


def test_missing_body_is_an_empty_document(api_client: APIClient) -> None:
    error = assert_error(send(api_client, ""), 400, "validation_error")
    assert "name" in {detail["field"] for detail in error["details"]}


def test_body_of_null_is_invalid(api_client: APIClient) -> None:
    assert_error(send(api_client, "null"), 400, "validation_error")


@pytest.mark.parametrize("body", ["[]", "5", '"text"', "true", '[{"name": "a"}]'])
def test_body_must_be_an_object(api_client: APIClient, body: str) -> None:
    response = assert_error(send(api_client, body), 400, "validation_error")
    [detail] = response["details"]
    assert detail == {"code": "invalid", "message": "Must be a JSON object."}


@pytest.mark.parametrize("value", ["1e400", "-1e400", "9" * 400])
def test_huge_number_is_out_of_range(api_client: APIClient, value: str) -> None:
    response = assert_error(send(api_client, f'{{"zIndex": {value}}}'), 400, "validation_error")
    assert "zIndex" in {detail["field"] for detail in response["details"]}


def test_deeply_nested_value_has_the_wrong_type(api_client: APIClient) -> None:
    nested = "[" * 500 + "]" * 500
    response = assert_error(send(api_client, f'{{"name": {nested}}}'), 400, "validation_error")
    assert "name" in {detail["field"] for detail in response["details"]}


def test_error_quotes_an_unpaired_surrogate(api_client: APIClient) -> None:
    response = assert_error(send(api_client, r'{"\ud800Name": "x"}'), 400, "validation_error")
    [detail] = [detail for detail in response["details"] if detail["field"] == "name"]
    assert 'You sent "\ud800Name"' in detail["message"]


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
    response = api_client.generic(
        "POST", "/api/webchats", "", content_type="application/json", CONTENT_LENGTH=length
    )
    assert_error(response, status, code)


def test_malformed_content_type_is_not_a_server_error() -> None:
    response = wsgi.request(
        "/api/webchats", "POST", content_type="application/json; x*=nope'en'%41"
    )
    assert response.status == "401 Unauthorized"
    assert response.data["code"] == "not_authenticated"


def test_error_does_not_quote_a_message_of_python(api_client: APIClient) -> None:
    # Python refuses such a number and names the function of ``sys`` that sets the limit.
    body = '{"zIndex": ' + "9" * 5000 + "}"
    assert b"sys." not in send(api_client, body).content


def test_default_maximum_body_size_is_one_mebibyte() -> None:
    assert settings.MAX_BODY_BYTES == 1024 * 1024
