"""Search in name and description, with the trigram index ``webchat_search`` on PostgreSQL."""

import functools
import operator
import re
from typing import Final, TypeVar

from django.db.models import BooleanField, Func, Model, Q, QuerySet, TextField, Value
from django.db.models.functions import StrIndex, Upper
from django.db.models.lookups import GreaterThan

_Row = TypeVar("_Row", bound=Model)

#: The fields that the API and the admin site search.
FIELDS: Final = ("name", "description")
#: How many webchats are searched for a text that the index cannot find, the newest first.
UNINDEXED_ROWS: Final = 2_000


class _IndexedText(Func):
    """Both fields in one text: exactly the expression of the index."""

    template = "UPPER(%(expressions)s)"
    arg_joiner = " || ' ' || "
    output_field = TextField()


class _Like(Func):
    template = "%(expressions)s"
    arg_joiner = " LIKE "
    output_field = BooleanField()


def containing(webchats: QuerySet[_Row], text: str) -> QuerySet[_Row]:
    """Return the webchats with ``text`` in one of the fields, ignoring case.

    ``LIKE`` on the indexed text finds candidates in both fields with one index scan. For a single
    word these are the results. Any other text is also searched in each field, with ``StrIndex``:
    for a second ``LIKE``, the planner would multiply both selectivities, expect almost no rows, and
    read a hundred thousand of them for one page.

    The index has no text without three letters or digits in a row. Such a text is searched in the
    newest webchats only, because reading the texts of 200,000 takes seconds.
    """
    words = re.findall(r"[^\W_]{3,}", text)
    upper = Upper(Value(text))
    matches = functools.reduce(
        operator.or_, [Q(GreaterThan(StrIndex(Upper(field), upper), 0)) for field in FIELDS]
    )
    if not words:
        newest = webchats.order_by("-created_at", "-pk")[:UNINDEXED_ROWS].values("pk")
        return webchats.filter(matches, pk__in=newest)
    candidates = Q(_Like(_IndexedText(*FIELDS), Upper(Value(_like_pattern(words)))))
    return webchats.filter(candidates if words == [text] else candidates & matches)


def _like_pattern(words: list[str]) -> str:
    """Return the pattern for candidates.

    The index has a list of rows for each trigram, and the lists of frequent trigrams are long. A
    single word is used completely. Of several words, the one that is probably the rarest, a number
    or the longest word, is reduced to every third trigram, and the others to their first.
    """
    if len(words) > 1:
        rarest = max(words, key=lambda word: (word.isdigit(), len(word)))
        words = [
            word[start : start + 3]
            for word in words
            for start in range(0, len(word) - 2 if word is rarest else 1, 3)
        ]
    return f"%{'%'.join(words)}%"
