"""Search for a text in several fields, with a trigram index on PostgreSQL.

Webchats have the index ``webchat_search``.
"""

import functools
import itertools
import operator
import re
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

from django.db.models import BooleanField, Func, Model, Q, QuerySet, TextField, Value
from django.db.models.functions import StrIndex, Upper
from django.db.models.lookups import GreaterThan
from django.utils.text import smart_split, unescape_string_literal

_Row = TypeVar("_Row", bound=Model)

#: The fields that the API and the admin site search.
FIELDS: Final = ("name", "description")
#: How many rows are searched for a text that an index cannot find, the newest first.
UNINDEXED_ROWS: Final = 2_000
#: The first words and phrases, and characters, that a search in the admin site considers.
MAX_TERMS: Final = 10
MAX_CHARACTERS: Final = 200


class _IndexedText(Func):
    """The fields in one text: exactly the expression of the index."""

    template = "UPPER(%(expressions)s)"
    arg_joiner = " || ' ' || "
    output_field = TextField()


class _Like(Func):
    template = "%(expressions)s"
    arg_joiner = " LIKE "
    output_field = BooleanField()


def containing(webchats: QuerySet[_Row], text: str) -> QuerySet[_Row]:
    """Return the webchats with ``text`` in name or description, ignoring case."""
    return search_fields(webchats, text, FIELDS, newest="-created_at")


def search_fields(
    rows: QuerySet[_Row], text: str, fields: tuple[str, ...], *, newest: str
) -> QuerySet[_Row]:
    """Return the rows with ``text`` in one of the fields, ignoring case."""
    return search_terms(rows, (text,), fields, newest=newest)


def search_terms(
    rows: QuerySet[_Row], texts: Iterable[str], fields: tuple[str, ...], *, newest: str
) -> QuerySet[_Row]:
    """Return the rows with each of the texts in one of the fields, ignoring case.

    ``LIKE`` on the indexed text finds candidates in all fields with one index scan. For a pattern
    of the whole text these are the results. Any other text is also searched in each field, with
    ``StrIndex``: for a second ``LIKE``, the planner would multiply both selectivities, expect
    almost no rows, and read a hundred thousand of them for one page.

    The index has no text without three letters or digits in a row. Such a text is searched only in
    the first rows of the ordering ``newest``, because reading the texts of 200,000 takes seconds.
    All such texts share one subquery: one for each would double the query with every text.
    """
    conditions, is_bounded = Q(), False
    for text in texts:
        words = re.findall(r"[^\W_]{3,}", text)
        pattern = _like_pattern(words)
        if words:
            conditions &= Q(_Like(_IndexedText(*fields), Upper(Value(pattern))))
        if pattern != f"%{text}%" or "%" in text:
            conditions &= field_contains(text, fields)
        is_bounded |= not words
    if is_bounded:
        first = rows.order_by(newest, "-pk")[:UNINDEXED_ROWS].values("pk")
        conditions &= Q(pk__in=first)
    return rows.filter(conditions)


def field_contains(text: str, fields: tuple[str, ...]) -> Q:
    """Return the condition that one of the fields contains ``text``, ignoring case."""
    upper = Upper(Value(text))
    return functools.reduce(
        operator.or_, [Q(GreaterThan(StrIndex(Upper(field), upper), 0)) for field in fields]
    )


def split_terms(search: str) -> Iterator[str]:
    """Yield the words and quoted phrases of a search in the admin site, as Django splits them.

    Only the first ``MAX_TERMS`` in the first ``MAX_CHARACTERS`` are yielded.
    """
    for word in itertools.islice(smart_split(search[:MAX_CHARACTERS]), MAX_TERMS):
        is_quoted = len(word) > 1 and word[0] in "\"'" and word[0] == word[-1]
        yield unescape_string_literal(word) if is_quoted else word


def _like_pattern(words: list[str]) -> str:
    """Return the pattern for candidates.

    The index has a list of rows for each trigram, and the lists of frequent trigrams are long. Of
    words with a number of five digits or more, only the number is used. Any other single word is
    used completely. Of several words, the one that is probably the rarest, a number or the longest
    word, is reduced to every third trigram, and the others to their first.
    """
    if numbers := re.findall(r"\d{5,}", " ".join(words)):
        words = [max(numbers, key=len)]
    if len(words) > 1:
        rarest = max(words, key=lambda word: (word.isdigit(), len(word)))
        words = [
            word[start : start + 3]
            for word in words
            for start in range(0, len(word) - 2 if word is rarest else 1, 3)
        ]
    return f"%{'%'.join(words)}%"
