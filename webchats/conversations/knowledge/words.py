"""The words of a question by which answers are found."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

#: Words that say nothing about the subject, in the widget's languages.
_STOP_WORDS: Final = frozenset(
    Path(__file__).with_name("stop_words.txt").read_text("utf-8").split()
)
#: Words of more characters are also found by their beginning.
_MIN_PREFIX: Final = 5
_MAX_WORDS: Final = 30


def find_words(text: str) -> list[str]:
    """Return the words of a text that say something about its subject, at most 30, lower case.

    Without repetitions, in order. They have letters and digits only.
    """
    words = dict.fromkeys(re.findall(r"[^\W_]+", text.lower()))
    return [word for word in words if word not in _STOP_WORDS][:_MAX_WORDS]


def is_long(word: str) -> bool:
    """Return whether the beginning of a longer word counts as this word."""
    return len(word) >= _MIN_PREFIX


def share_of_words(words: Sequence[str], text: str) -> float:
    """Return the share of the words of a question, from 0 to 1, that the text contains.

    ``words`` are those of ``find_words``. Long ones match by their first five letters, so that
    inflected forms do.
    """
    if not words:
        return 0.0
    found = set(re.findall(r"[^\W_]+", text.lower()))
    stems = {word[:_MIN_PREFIX] for word in found if is_long(word)}
    matches = [
        word for word in words if word in found or (is_long(word) and word[:_MIN_PREFIX] in stems)
    ]
    return len(matches) / len(words)
