"""The difference between two texts by words."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Literal, TypeAlias

Change: TypeAlias = Literal["same", "deleted", "inserted"]

#: A word with its punctuation and the white space before it, so that the parts are the text.
_PARTS: Final = re.compile(r"\s*\S+|\s+")


@dataclass(frozen=True)
class DiffPart:
    """A part of the old text, of the new text, or of both."""

    change: Change
    text: str


def diff_words(old: str, new: str) -> list[DiffPart]:
    """Return the parts of both texts, in order.

    The parts that are not inserted are ``old``, and those that are not deleted are ``new``. Two
    neighbors have different changes.
    """
    old_parts, new_parts = _PARTS.findall(old), _PARTS.findall(new)
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
