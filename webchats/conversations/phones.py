"""Comparison of phone numbers that people write in different ways."""

from typing import Final

from django.db import models

#: Characters between digits. ``StrippedPhone`` is in an index, so a change needs a migration.
_SEPARATORS: Final = " -()/."
#: A shorter text, such as an extension, is no number by which two contacts are the same person.
_MIN_DIGITS: Final = 6


def _nested_replace() -> str:
    sql = "%(expressions)s"
    for character in _SEPARATORS:
        sql = f"REPLACE({sql}, '{character}', '')"
    return sql


class StrippedPhone(models.Func):
    """The number in a column without separators, as SQL without parameters: an index has it."""

    template = _nested_replace()
    arity = 1
    output_field = models.TextField()


def phone_variants(phone: str) -> list[str]:
    """Return the values of ``StrippedPhone`` that are the same number. None for a short one.

    ``+49`` and ``0049`` are the same. A national number is not completed, because the country is
    not known.
    """
    stripped = phone.translate(dict.fromkeys(map(ord, _SEPARATORS)))
    if sum(map(str.isdigit, stripped)) < _MIN_DIGITS:
        return []
    for prefix, other in (("+", "00"), ("00", "+")):
        if stripped.startswith(prefix):
            return [stripped, other + stripped.removeprefix(prefix)]
    return [stripped]
