"""Hostile requests get a clear error, and nothing is stored."""

import json
from typing import Any

import pytest

from tests.support.visitors import Visitor
from webchats.conversations.models import Contact, Conversation, Message

pytestmark = pytest.mark.django_db

TEXTS = {
    "script": "<script>alert(1)</script>",
    "handler": "<img src=x onerror=alert(1)>",
    "bidirectional controls": "\u202egnp.exe\u202c \u2066x\u2069",
    "longest text": "x" * 4_000,
    "longest text outside of the basic plane": "😀" * 4_000,
    "combining characters": "Z\u0351\u036b\u0343" * 500,
    "SQL": "'; DROP TABLE conversations_message; --",
    "line breaks and tabs": "\n a\r\n\tb \n",
    "format string": "%s {0} ${x}",
}
INVALID_MESSAGES: list[tuple[dict[str, Any], str, str]] = [
    ({"text": "x" * 4_001}, "text", "max_length"),
    ({"text": "a\x00b"}, "text", "null_characters_not_allowed"),
    ({"text": "a\ud800b"}, "text", "surrogate_characters_not_allowed"),
    ({"text": ""}, "text", "blank"),
    ({"text": " \n\u3000"}, "text", "blank"),
    ({"text": None}, "text", "null"),
    ({"text": 5}, "text", "invalid"),
    ({"text": ["a"]}, "text", "invalid"),
    ({"text": {"a": 1}}, "text", "invalid"),
    ({"clientKey": ""}, "clientKey", "blank"),
    ({"clientKey": None}, "clientKey", "null"),
    ({"clientKey": 10**30}, "clientKey", "invalid"),
    ({"clientKey": "x" * 65}, "clientKey", "max_length"),
    ({"clientKey": "\x00"}, "clientKey", "null_characters_not_allowed"),
    ({"clientKey": "\udfff"}, "clientKey", "surrogate_characters_not_allowed"),
    ({"contact": 5}, "contact", "invalid"),
    ({"contact": {"name": "x" * 121}}, "contact.name", "max_length"),
    ({"contact": {"name": "\x00"}}, "contact.name", "null_characters_not_allowed"),
    ({"contact": {"email": "a@b@c"}}, "contact.email", "invalid"),
    ({"contact": {"email": ["a@b.com"]}}, "contact.email", "invalid"),
    ({"contact": {"phone": True}}, "contact.phone", "invalid"),
    ({"page": "https://example.com"}, "page", "invalid"),
    ({"page": {"url": 5}}, "page.url", "invalid"),
]
INVALID_BODIES = [
    b"",
    b"{",
    b"[]",
    b'"text"',
    b"null",
    b'{"clientKey": "a", "text": "b"',
    b'{"clientKey": "a", "clientKey": "b", "text": "c"}',
    b'{"clientKey": NaN, "text": "c"}',
    b'{"clientKey": "a", "text": "\xff"}',
    b'{"clientKey": "a", "text": ' + b"[" * 100_000,
    b'{"clientKey": "a", "text": ' + b"9" * 10_000 + b"}",
]


@pytest.fixture
def quick(throttle_rates: Any) -> None:
    """Rates that allow the requests of a test."""
    rates = ("requests_address", "requests_session", "messages_session", "messages_address")
    throttle_rates(**{f"widget_{name}": "1000/min" for name in rates})


def get_error(response: Any) -> Any:
    """Return the body of an error after checking its shape."""
    body = response.json()
    assert set(body) <= {"error", "code", "details"}
    assert body["error"].isprintable()
    assert response.headers["Content-Type"].startswith("application/json")
    assert response.headers["Cache-Control"] == "no-store"
    return body


@pytest.mark.usefixtures("quick")
def test_hostile_texts_are_stored_and_returned_as_they_are(visitor: Visitor) -> None:
    for key, text in TEXTS.items():
        assert visitor.send(text, key[:64]).json()["message"]["text"] == text, key
    texts = [message["text"] for message in visitor.get("messages").json()["messages"]]
    assert texts == list(TEXTS.values())


@pytest.mark.usefixtures("quick")
def test_an_invalid_message_names_the_field_and_stores_nothing(visitor: Visitor) -> None:
    for changes, field, code in INVALID_MESSAGES:
        body = json.dumps({"clientKey": "key", "text": "Hello", **changes})
        response = visitor.post("messages", body, content_type="application/json")
        assert response.status_code == 400, changes
        (detail,) = get_error(response)["details"]
        assert (detail["field"], detail["code"]) == (field, code), changes
    assert not Message.objects.exists()
    assert not Contact.objects.exists()


@pytest.mark.usefixtures("quick")
def test_an_invalid_rating_names_the_field_and_stores_nothing(visitor: Visitor) -> None:
    visitor.send()
    visitor.post("close")
    invalid: list[tuple[str, list[Any]]] = [
        ("score", [0, 6, -1, 10**400, 4.5, "5", True, None, [5], {"score": 5}]),
        ("comment", ["x" * 2_001, "\x00", "\udfff", 5, ["x"]]),
    ]
    for field, values in invalid:
        for value in values:
            body = json.dumps({"score": 5, field: value})
            response = visitor.put("rating", body, content_type="application/json")
            assert response.status_code == 400, body[:60]
            assert [item["field"] for item in get_error(response)["details"]] == [field]
    assert visitor.put("rating", {}).json()["details"][0]["field"] == "score"
    assert Conversation.objects.get().rating is None


@pytest.mark.usefixtures("quick")
def test_a_body_that_is_not_a_json_object_is_refused(visitor: Visitor) -> None:
    for name in ("messages", "read"):
        for body in INVALID_BODIES:
            response = visitor.post(name, body, content_type="application/json")
            assert response.status_code == 400, body[:60]
            get_error(response)
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            response = visitor.post(name, b"clientKey=a&text=b", content_type=kind)
            assert response.status_code == 415
            get_error(response)
    assert not Conversation.objects.exists()


def test_all_errors_of_a_message_are_reported_at_once(visitor: Visitor) -> None:
    body = {"clientKey": "", "contact": {"name": "x" * 121, "email": "no"}}
    details = visitor.post("messages", body).json()["details"]
    fields = {"clientKey", "text", "contact.name", "contact.email"}
    assert {item["field"] for item in details} == fields


def test_a_body_that_is_too_large_is_refused(visitor: Visitor) -> None:
    response = visitor.post("messages", {"clientKey": "a", "text": "x" * 1_100_000})
    assert response.status_code == 413
    assert response.json()["code"] == "payload_too_large"


def test_a_position_that_is_no_sequence_is_refused(visitor: Visitor) -> None:
    visitor.send()
    for after in ("-1", "x", "1.5", "9" * 30, "9" * 2_000, str(2**31), "\x00"):
        response = visitor.get("messages", after=after)
        assert response.status_code == 400, after
        assert get_error(response)["details"][0]["field"] == "after"
    for conversation in ("", "x" * 5_000, "' OR 1=1"):
        response = visitor.get("messages", conversation=conversation)
        assert len(response.json()["messages"]) == 1


def test_a_sequence_out_of_range_is_not_marked_as_read(visitor: Visitor) -> None:
    visitor.send()
    for sequence in (2, -1, 2**31, 10**400, 1.5, "1", None, True, [1]):
        response = visitor.post("read", {"sequence": sequence})
        assert response.status_code == 400, sequence
        assert get_error(response)["details"][0]["field"] == "sequence"


def test_null_in_place_of_optional_fields_is_accepted(visitor: Visitor) -> None:
    nothing = {"name": None, "email": None, "phone": None}
    page = {"url": None, "title": None, "referrer": None}
    assert visitor.send(key="1", contact=None, page=None).status_code == 201
    assert visitor.send(key="2", contact=nothing, page=page).status_code == 201
    assert visitor.send(key="3", contact={}, page={}, unknown=1).status_code == 201


def test_details_and_page_are_stored_clean(visitor: Visitor) -> None:
    page = {
        "url": "https://user:pass@shop.example.com/cart?token=SECRET#x",
        "title": "Cart\u202e\x00" + "x" * 400,
        "referrer": "javascript:alert(1)",
    }
    visitor.send(contact={"name": " Ada ", "email": "Ada@Example.com"}, page=page)
    contact = Contact.objects.get()
    assert (contact.name, contact.email) == ("Ada", "ada@example.com")
    assert contact.page_url == "https://shop.example.com/cart"
    assert contact.page_title == ("Cart" + "x" * 400)[:300]
    assert contact.referrer == ""


def test_card_numbers_are_masked(visitor: Visitor) -> None:
    message = visitor.send("My card is 4111 1111 1111 1111.").json()["message"]
    assert message["text"] == "My card is •••• •••• •••• 1111."
    assert "4111" not in Conversation.objects.get().last_message_preview
