"""The change of a figure since the period before, in words."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from webchats.conversations.reports.texts import format_duration

_Format: TypeAlias = Callable[[float | None], str]
_SHORTER: Final = ("Longer than before:", "Shorter than before:")


@dataclass(frozen=True)
class Change:
    """The value of the period before, and the direction from there."""

    text: str
    #: ``better``, ``worse``, or empty if neither is.
    quality: str = ""


def compare(
    now: float | None,
    before: float | None,
    format_value: _Format,
    *,
    words: tuple[str, str] = ("Up from", "Down from"),
    is_more_better: bool | None = None,
) -> Change:
    """Return the change in words. Values that are shown as the same text are the same."""
    if now is None or before is None:
        return Change("" if before is None else f"Before: {format_value(before)}")
    text = format_value(before)
    if format_value(now) == text:
        return Change(f"The same as before: {text}")
    is_more = now > before
    quality = "" if is_more_better is None else "better" if is_more == is_more_better else "worse"
    return Change(f"{words[0] if is_more else words[1]} {text}", quality)


def compare_durations(now: float | None, before: float | None) -> Change:
    """Return the change of a duration, the shorter the better."""
    return compare(now, before, format_duration, words=_SHORTER, is_more_better=False)
