"""Scales and positions: round ends of axes, percentages, labels that do not collide."""

import math
import unicodedata
from collections.abc import Iterator
from typing import Final

#: A label at the axis needs about this part of the width: on a desktop, and on a phone.
_MOST_LABELS: Final = 12
_MOST_LABELS_NARROW: Final = 4


def round_up(value: float) -> float:
    """Return the end of an axis: the next of 1, 2, 4, 6, 8, 10, 20, 40 …; 1 for nothing.

    Its half is a round number, too.
    """
    if value <= 0:
        return 1
    power = 10.0 ** math.floor(math.log10(value))
    for step in (1, 2, 4, 6, 8):
        if value <= step * power:
            return float(step * power)
    return 10 * power


def percent(part: float, whole: float = 100) -> str:
    """Return a length for an attribute of SVG, such as ``12.5%``. At most three decimals."""
    return f"{round(100 * part / whole, 3):g}%"


def spaced_labels(count: int) -> Iterator[str]:
    """Yield for each of ``count`` labels the class that shows it: ``""`` hides it.

    ``label`` is shown at every width, ``label wide`` not on a phone.
    """
    step = max(1, math.ceil(count / _MOST_LABELS))
    narrow = step * max(1, math.ceil(count / step / _MOST_LABELS_NARROW))
    for number in range(count):
        if number % step:
            yield ""
        else:
            yield "label wide" if number % narrow else "label"


def shorten(text: str, columns: int) -> str:
    """Return the text, cut with an ellipsis at ``columns`` narrow characters.

    SVG breaks no lines. East Asian characters are as wide as two others.
    """
    width = 0
    for number, character in enumerate(text):
        width += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if width > columns:
            return f"{text[:number].rstrip()}…"
    return text
