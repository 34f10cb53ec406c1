"""What is probably not meant: said to staff, never a reason to refuse."""

from collections.abc import Iterator

from organizations.colors import READABLE_RATIO, contrast_ratio
from webchats.models import Webchat

#: Text and what it stands on, as the widget draws them. (Text on bubbles and buttons is black or
#: white by the widget's own choice, and always readable.)
_PAIRS = (
    ("header_text_color", "primary_color"),
    ("status_text_color", "background_color"),
    ("timestamp_color", "background_color"),
    ("csat_text_color", "csat_background_color"),
)


def low_contrasts(webchat: Webchat) -> Iterator[str]:
    """The pairs of colours that are hard to read, each with its ratio (WCAG 2.2, 1.4.3)."""
    for text, surface in _PAIRS:
        ratio = contrast_ratio(getattr(webchat, text), getattr(webchat, surface))
        if ratio < READABLE_RATIO:
            # Rounded down, so that 4.49 is not said to be the 4.5 it misses.
            shown = int(ratio * 10) / 10
            yield (
                f"Hard to read: {_name(text)} on {_name(surface)} has a contrast of {shown}:1, "
                f"less than {READABLE_RATIO}:1."
            )


def concerns(webchat: Webchat) -> list[str]:
    """Everything worth a look, the riskiest first. Reads the prompt with autopilot."""
    said = []
    if webchat.is_autopilot and not webchat.prompt.is_active:
        said.append(f"Autopilot answers with “{webchat.prompt}”, a prompt that is not active.")
    if not webchat.allowed_domains:
        said.append("No domain list: every site may embed it.")
    return [*said, *low_contrasts(webchat)]


def _name(field: str) -> str:
    return str(Webchat._meta.get_field(field).verbose_name).removesuffix(" color")  # type: ignore[union-attr]
