"""The search for a text in name or description, and what PostgreSQL's index is asked for it."""

import functools
import operator
import re
from typing import Any

from django.db.models import BooleanField, Func, Q, TextField, Value
from django.db.models.functions import StrIndex, Upper
from django.db.models.lookups import GreaterThan

#: What is searched, here and on the staff's site.
FIELDS = ("name", "description")


class _Searched(Func):
    """What is searched, in one: word for word the expression of the index ``webchat_search``."""

    template = "UPPER(%(expressions)s)"
    arg_joiner = " || ' ' || "
    output_field: Any = TextField()


class _Like(Func):
    template = "%(expressions)s"
    arg_joiner = " LIKE "
    output_field: Any = BooleanField()


def containing(text: str) -> Q:
    """Rows with the text in one of the fields, compared without case.

    The index finds who may be meant, with one look-up for both fields. A single word is found
    there for certain; whatever else is looked for in each field. That is asked by ``StrIndex``
    because it says the same again: of two patterns the planner would multiply the odds, expect
    next to no rows, and collect a hundred thousand of them for a page.
    """
    words = re.findall(r"[^\W_]{3,}", text)
    indexed = Q(_Like(_Searched(*FIELDS), Upper(Value(pattern_of(words)))))
    if words == [text]:
        return indexed
    asked = Upper(Value(text))
    found = functools.reduce(
        operator.or_, [Q(GreaterThan(StrIndex(Upper(field), asked), 0)) for field in FIELDS]
    )
    return indexed & found if words else found


def pattern_of(words: list[str]) -> str:
    """The pattern that the index is asked for.

    The index knows three letters each, and reads a list as long as the table for each three that
    it is asked about. A single word is asked as it is. Of several the one that is likely to be
    rare, a number or else the longest, is asked by every third three, the others by their first.
    """
    if len(words) > 1:
        rarest = max(words, key=lambda word: (word.isdigit(), len(word)))
        words = [
            word[start : start + 3]
            for word in words
            for start in range(0, len(word) - 2 if word is rarest else 1, 3)
        ]
    return f"%{'%'.join(words)}%"
