"""What is stored about a person, as JSON documents that are read in pages."""

import re
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any, Final, TypeVar

import orjson
from django.db import models
from django.db.models import QuerySet

from webchat_project.api.timestamps import format_timestamp
from webchats.conversations.message_pages import load_page
from webchats.conversations.models import Contact, Conversation, Message

_Row = TypeVar("_Row", bound=models.Model)

#: Rows that are read at a time. A reply has at most some kilobytes.
_PAGE: Final = 100
#: Columns that say nothing about the person: the prompt's text, and how the service works.
_LEFT_OUT: Final = frozenset(
    {"organization_id", "instructions", "knowledge", "pushed_sequence", "flags"}
)


def read_rows(rows: "QuerySet[_Row]", key: str = "pk") -> Iterator[_Row]:
    """Yield the rows in the order of a unique column, which are read in pages."""
    rows = rows.order_by(key)
    page = list(rows[:_PAGE])
    while page:
        yield from page
        page = list(rows.filter(**{f"{key}__gt": getattr(page[-1], key)})[:_PAGE])


def read_messages(conversation: Conversation) -> Iterator[Message]:
    """Yield the messages, which are read in pages of limited size."""
    rows = Message.objects.filter(conversation=conversation).order_by("sequence")
    after, has_more = 0, True
    while has_more:
        page, has_more = load_page(rows.filter(sequence__gt=after), _PAGE)
        yield from page
        after = page[-1].sequence if page else after


def to_document(row: models.Model) -> dict[str, object]:
    """Return the columns of a row, named as in the API."""
    return {
        _to_name(field.attname): _to_value(getattr(row, field.attname))
        for field in row._meta.concrete_fields
        if field.attname not in _LEFT_OUT
    }


def _to_name(column: str) -> str:
    return "_id" if column == "id" else re.sub("_([a-z])", lambda match: match[1].upper(), column)


def _to_value(value: Any) -> object:
    if isinstance(value, datetime):
        return format_timestamp(value)
    return value


def encode(document: object) -> str:
    """Return indented JSON."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def encode_list(rows: Iterable[models.Model]) -> Iterator[str]:
    """Yield the parts of a JSON array."""
    separator = "[\n"
    for row in rows:
        yield separator + encode(to_document(row))
        separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"


def encode_conversation(conversation: Conversation) -> Iterator[str]:
    """Yield the parts of a JSON object: a conversation with everything that was written in it."""
    yield '{\n"conversation": ' + encode(to_document(conversation))
    lists: dict[str, Iterable[models.Model]] = {
        "messages": read_messages(conversation),
        "notes": read_rows(conversation.notes.all()),
        "replies": read_rows(conversation.replies.all()),
        "drafts": read_rows(conversation.drafts.all()),
    }
    for name, rows in lists.items():
        yield f',\n"{name}": '
        yield from encode_list(rows)
    yield "}\n"


def history_of(ids: Collection[str]) -> "QuerySet[Any]":
    """Return the versions of contacts."""
    # Any: django-simple-history has no type information.
    history: Any = Contact.history
    rows: QuerySet[Any] = history.filter(id__in=ids)
    return rows
