"""The difference between two texts by words."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Final, Literal, TypeAlias

Change: TypeAlias = Literal["same", "deleted", "inserted"]

#: A word with its punctuation and the white space before it, so that the parts are the text.
_PARTS: Final = re.compile(r"\s*\S+|\s+")
#: The largest product of the numbers of words that are compared, between the equal words at both
#: ends. The time of a comparison can grow with the cube: this many take at most 0.05 s.
_MAX_COMPARED: Final = 10_000
#: The budget of a page with many differences: at most 0.1 s. That of 50 texts of 200 words is less.
PAGE_BUDGET: Final = 20_000


@dataclass
class Budget:
    """What the comparisons of a page may still take, in words and pairs of words."""

    left: int


@dataclass(frozen=True)
class DiffPart:
    """A part of the old text, of the new text, or of both."""

    change: Change
    text: str


def diff_words(old: str, new: str, budget: Budget | None = None) -> list[DiffPart]:
    """Return the parts of both texts, in order.

    The parts that are not inserted are ``old``, and those that are not deleted are ``new``. Two
    neighbors have different changes. Of texts that differ in many words, the words from the first
    difference to the last are one change. If the budget is used up, both texts are.
    """
    budget = budget or Budget(PAGE_BUDGET)
    if not budget.left:
        return _as_a_whole([old], [new])
    old_parts, new_parts = _PARTS.findall(old), _PARTS.findall(new)
    start = _count_equal(old_parts, new_parts)
    end = _count_equal(old_parts[start:][::-1], new_parts[start:][::-1])
    old_middle, new_middle = (each[start : len(each) - end] for each in (old_parts, new_parts))
    pairs = len(old_middle) * len(new_middle)
    compare = _compare if pairs <= min(_MAX_COMPARED, budget.left) else _as_a_whole
    parts = [
        DiffPart("same", "".join(old_parts[:start])),
        *compare(old_middle, new_middle),
        DiffPart("same", "".join(old_parts[len(old_parts) - end :])),
    ]
    used = len(old_parts) + len(new_parts) + (pairs if compare is _compare else 0)
    budget.left = max(budget.left - used, 0)
    return [part for part in parts if part.text]


def _as_a_whole(old_parts: list[str], new_parts: list[str]) -> list[DiffPart]:
    return [DiffPart("deleted", "".join(old_parts)), DiffPart("inserted", "".join(new_parts))]


def _count_equal(first: list[str], second: list[str]) -> int:
    """Return the number of equal words at the beginning of both."""
    pairs = zip(first, second, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _compare(old_parts: list[str], new_parts: list[str]) -> list[DiffPart]:
    parts: list[DiffPart] = []
    matcher = SequenceMatcher(None, old_parts, new_parts, autojunk=False)
    for operation, i1, i2, j1, j2 in matcher.get_opcodes():
        if operation == "equal":
            parts.append(DiffPart("same", "".join(old_parts[i1:i2])))
            continue
        if i1 < i2:
            parts.append(DiffPart("deleted", "".join(old_parts[i1:i2])))
        if j1 < j2:
            parts.append(DiffPart("inserted", "".join(new_parts[j1:j2])))
    return parts


def count_changes(old: str, new: str) -> int:
    """Return the number of words that were changed: a replaced word counts once."""
    changed, deleted, inserted = 0, 0, 0
    for part in (*diff_words(old, new), DiffPart("same", "")):
        if part.change == "same":
            changed += max(deleted, inserted)
            deleted, inserted = 0, 0
        elif part.change == "deleted":
            deleted = len(part.text.split())
        else:
            inserted = len(part.text.split())
    return changed
