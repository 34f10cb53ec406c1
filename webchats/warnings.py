"""Warnings about a webchat for staff: settings that are valid but probably unintended."""

from collections.abc import Iterator
from typing import Final

from organizations.colors import READABLE_RATIO, contrast_ratio
from organizations.fields import ColorField
from webchats.models import Webchat

#: Text and its background in the widget. Text on bubbles and buttons is always readable: the widget
#: chooses black or white for it.
_PAIRS: Final = (
    ("header_text_color", "primary_color"),
    ("status_text_color", "background_color"),
    ("timestamp_color", "background_color"),
    ("csat_text_color", "csat_background_color"),
)


def low_contrasts(webchat: Webchat) -> Iterator[str]:
    """Yield a sentence for each pair of colors with low contrast (WCAG 2.2, 1.4.3)."""
    for text, background in _PAIRS:
        ratio = contrast_ratio(getattr(webchat, text), getattr(webchat, background))
        if ratio < READABLE_RATIO:
            # Rounded down: 4.49 must not be shown as 4.5.
            shown = int(ratio * 10) / 10
            yield (
                f"Hard to read: {_label(text)} on {_label(background)} has a contrast of "
                f"{shown}:1, less than {READABLE_RATIO}:1."
            )


def get_warnings(webchat: Webchat) -> list[str]:
    """Return all warnings, the most serious first. Reads the prompt of a webchat on autopilot."""
    warnings = []
    if webchat.is_autopilot and not webchat.prompt.is_active:
        warnings.append(
            f"Autopilot uses “{webchat.prompt}”, which is inactive. Activate it or choose another "
            "prompt."
        )
    if not webchat.allowed_domains:
        warnings.append("No allowed domains: every site may embed it.")
    return [*warnings, *low_contrasts(webchat)]


def _label(name: str) -> str:
    field = Webchat._meta.get_field(name)
    assert isinstance(field, ColorField)
    return str(field.verbose_name).removesuffix(" color")
