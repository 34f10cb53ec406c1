"""Validation of messages and of visitors' details."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from webchats.conversations.validation import (
    clean_contact,
    clean_page,
    validate_client_key,
    validate_text,
)


@pytest.mark.parametrize("text", ["x", "x" * 4_000, "  keep  \n", "<script>", "\u202e", "👋🏽"])
def test_it_accepts_any_text_that_can_be_stored(text: str) -> None:
    validate_text(text)


@pytest.mark.parametrize("text", ["", " \n\t", "x" * 4_001, "a\x00b", "\ud800"])
def test_it_rejects_text_that_is_blank_or_too_long_or_cannot_be_stored(text: str) -> None:
    with pytest.raises(ValidationError):
        validate_text(text)


@pytest.mark.parametrize("client_key", ["", "x" * 65, "\x00", "\ud800"])
def test_it_rejects_an_invalid_client_key(client_key: str) -> None:
    with pytest.raises(ValidationError):
        validate_client_key(client_key)


def test_contact_details_are_trimmed() -> None:
    assert clean_contact({"name": " Ada ", "email": " Ada@Example.com "}) == {
        "name": "Ada",
        "email": "ada@example.com",
        "phone": "",
    }


def test_it_reports_every_invalid_contact_detail() -> None:
    with pytest.raises(ValidationError) as raised:
        clean_contact({"name": "x" * 121, "email": "nobody", "phone": "1\x002"})
    assert raised.value.message_dict.keys() == {"name", "email", "phone"}


@pytest.mark.parametrize(
    ("url", "cleaned"),
    [
        ("https://example.com/a?token=1#b", "https://example.com/a"),
        ("http://ada:secret@example.com:8080/", "http://example.com:8080/"),
        ("javascript:alert(1)", ""),
        ("https://[", ""),
        ("https://example.com:99999/", ""),
        ("/relative", ""),
        ("https://example.com/" + "x" * 2_000, ""),
        (r"https://evil.example\.example.com/", ""),
        ("https://example.com/\x00\ud800a", "https://example.com/a"),
    ],
)
def test_a_page_keeps_no_query_fragment_or_user(url: str, cleaned: str) -> None:
    page = clean_page({"url": url, "referrer": url})
    assert (page["url"], page["referrer"]) == (cleaned, cleaned)


def test_the_title_of_a_page_is_cut() -> None:
    page: Any = clean_page({"title": "x" * 400})
    assert len(page["title"]) == 300
