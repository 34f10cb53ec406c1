"""Search for words in the texts of messages."""

import re
from typing import Final

from django.db.models import BooleanField, F, Func, Q, QuerySet, TextField, Value

from webchats.conversations.models import Message
from webchats.search import field_contains

#: Shorter words are not searched by their beginning, which too many words have.
_MIN_PREFIX: Final = 3
_MAX_WORDS: Final = 10


class _Lexemes(Func):
    """The words of a text, each after a blank: ``'my' 'tent'``.

    The parser would keep addresses and numbers with signs as one word. PostgreSQL refuses a word
    of more than 2,046 bytes with its organization: those of longer texts are divided.
    """

    template = (
        "' ' || strip(to_tsvector('simple'::regconfig, translate("
        "CASE WHEN octet_length(%(expressions)s) > 1000 "
        "THEN regexp_replace(%(expressions)s, '(\\S{255})', '\\1 ', 'g') "
        "ELSE %(expressions)s END, '@./-_:+~&=?#', '            ')))::text"
    )
    output_field = TextField()


class _QueryLexemes(Func):
    """The words of a query, each after a blank. Their positions are not in the index."""

    template = (
        "' ' || regexp_replace("
        "to_tsquery('simple'::regconfig, %(expressions)s)::text, '<[-0-9]+>', '&', 'g')"
    )
    output_field = TextField()


class _Organization(Func):
    """The start of each word, and its replacement with the organization, for ``replace``."""

    template = "' ''', ' ''' || COALESCE(%(expressions)s, '') || ' '"
    output_field = TextField()


class _Vector(Func):
    """The words of a message, each with its organization: exactly the expression of the index."""

    template = "(replace(%(expressions)s)::tsvector)"
    output_field = TextField()


class _Query(Func):
    template = "(replace(%(expressions)s)::tsquery)"
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

    There are none without words or organization. Each list of the index is of a word and an
    organization, so that the messages of others are not read, however many have the word.
    """
    rows = Message.objects.order_by()
    suffix = ":*" if is_found_by_beginning(words) else ""
    terms = [f"{word}{suffix}" for word in words]
    if not terms or organization_id is None:
        return rows.filter(Q(Value(False)))
    vector = _Vector(_Lexemes(F("text")), _Organization(F("organization_id")))
    query = _Query(_QueryLexemes(Value(" & ".join(terms))), _Organization(Value(organization_id)))
    return rows.filter(_Matches(vector, query))
