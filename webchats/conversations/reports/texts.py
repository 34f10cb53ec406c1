"""Figures as texts: durations, shares and numbers."""

from datetime import date
from typing import Final

from django.utils.formats import date_format

#: Shown for a figure of nothing.
NO_VALUE: Final = "–"
_UNITS: Final = ((86_400, "day"), (3_600, "h"), (60, "min"), (1, "s"))


def format_duration(seconds: float | None) -> str:
    """Return a text such as ``3 min 20 s``: the two largest units."""
    if seconds is None:
        return NO_VALUE
    rest = round(seconds)
    parts: list[str] = []
    for size, unit in _UNITS:
        number, rest = divmod(rest, size)
        if number or parts:
            name = f"{unit}s" if unit == "day" and number != 1 else unit
            parts.append(f"{number} {name}" if number else "")
    return " ".join(part for part in parts[:2] if part) or "0 s"


def format_share(share: float | None) -> str:
    """Return a text such as ``45%``."""
    return NO_VALUE if share is None else f"{share * 100:.0f}%"


def format_number(number: float | None) -> str:
    """Return a text such as ``1,120`` or ``4.5``."""
    if number is None:
        return NO_VALUE
    return f"{number:,}" if isinstance(number, int) else f"{number:,.1f}"


def format_days(first: date, last: date) -> str:
    """Return a text such as ``23–29 November 2026``."""
    end = date_format(last, "j F Y")
    if first == last:
        return end
    if first.year != last.year:
        return f"{date_format(first, 'j F Y')} – {end}"
    if first.month != last.month:
        return f"{date_format(first, 'j F')} – {end}"
    return f"{first.day}–{end}"
