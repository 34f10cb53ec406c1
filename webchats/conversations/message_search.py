"""Search for words in the texts of messages."""

import re
from typing import Final

from django.db.models import BooleanField, F, Func, Q, QuerySet, TextField, Value

from webchats.conversations.models import Message
from webchats.search import field_contains

#: Shorter words are not searched by their beginning, which too many words have.
_MIN_PREFIX: Final = 3
_MAX_WORDS: Final = 10


class _Words(Func):
    """The words of a text. The parser would keep addresses and numbers with signs as one word."""

    template = (
        "to_tsvector('simple'::regconfig, "
        "translate(%(expressions)s, '@./-_:+~&=?#', '            '))"
    )
    output_field = TextField()


class _Organization(Func):
    """The organization as a word that no text has, and of which no word is the beginning."""

    template = "array_to_tsvector(ARRAY['@' || COALESCE(%(expressions)s, '')])"
    output_field = TextField()


class _Vector(Func):
    """The words of a message with its organization: exactly the expression of the index."""

    template = "(%(expressions)s)"
    arg_joiner = " || "
    output_field = TextField()


class _WordQuery(Func):
    template = "to_tsquery('simple'::regconfig, %(expressions)s)"
    output_field = TextField()


class _OrganizationQuery(Func):
    # Without a parser, which could split the id.
    template = "(%(expressions)s)::tsquery"
    output_field = TextField()


class _Both(Func):
    template = "(%(expressions)s)"
    arg_joiner = " && "
    output_field = TextField()


class _Matches(Func):
    template = "%(expressions)s"
    arg_joiner = " @@ "
    output_field = BooleanField()


def find_words(text: str) -> list[str]:
    """Return the words of a search in lower case, at most ten: letters and digits only."""
    return re.findall(r"[^\W_]+", text.lower())[:_MAX_WORDS]


def texts_contain(words: list[str], field: str) -> Q:
    """Return the condition that a field contains all of the words, without an index."""
    condition = Q()
    for word in words:
        condition &= field_contains(word, (field,))
    return condition


def is_found_by_beginning(words: list[str]) -> bool:
    """Return whether the index finds words that begin so, not only these.

    A single word of three letters or more is found by its beginning. Of several words, each may be
    frequent, and PostgreSQL would collect the rows of every word that begins so before it compares
    them.
    """
    return len(words) == 1 and len(words[0]) >= _MIN_PREFIX


def search_messages(words: list[str], organization_id: str | None) -> QuerySet[Message]:
    """Return the messages with all of the words, by the index ``message_search`` of PostgreSQL.

    There are none without words. ``None``: of every organization.
    """
    rows = Message.objects.order_by()
    is_prefix = is_found_by_beginning(words)
    terms = [f"{word}:*" if is_prefix else word for word in words]
    if not terms:
        return rows.filter(Q(Value(False)))
    vector = _Vector(_Words(F("text")), _Organization(F("organization_id")))
    query: Func = _WordQuery(Value(" & ".join(terms)))
    if organization_id is None:
        return rows.filter(_Matches(vector, query))
    # By the same index, so that the messages of other organizations are not read.
    organization = _OrganizationQuery(Value(f"'@{organization_id}'"))
    if is_prefix:
        return rows.filter(_Matches(vector, query), _Matches(vector, organization))
    # In one condition, PostgreSQL compares the lists of complete words in less time.
    return rows.filter(_Matches(vector, _Both(query, organization)))
