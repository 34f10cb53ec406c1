"""What a colour is: ``#RGB`` or ``#RRGGBB`` in, ``#RRGGBB`` stored and out, letter case kept.

And how well two of them can be told apart, by WCAG 2.2's definitions of "contrast ratio" and
"relative luminance" (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio).
"""

from typing import Final

from django.core.validators import RegexValidator

#: What a client may send. For schemas and HTML; anchored in both dialects.
INPUT_PATTERN: Final = r"^#(?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$"
#: What the database holds. ``\A`` and ``\Z`` mean the same to PostgreSQL and to SQLite (Python),
#: where ``$`` would let a final newline through.
STORED_PATTERN: Final = r"\A#[0-9A-Fa-f]{6}\Z"

validate_color = RegexValidator(
    STORED_PATTERN,
    message="Enter a colour as #RGB or #RRGGBB, for example #1F2937.",
    code="invalid",
)


def canonical(color: str) -> str:
    """Return ``color`` with six digits; what is not a short colour comes back unchanged."""
    if len(color) == 4 and color.startswith("#"):
        return "#" + "".join(digit * 2 for digit in color[1:])
    return color


BLACK: Final = "#000000"
WHITE: Final = "#FFFFFF"
#: What text of ordinary size needs against its background (success criterion 1.4.3, level AA).
READABLE_RATIO: Final = 4.5


def _channels(color: str) -> tuple[int, int, int]:
    digits = canonical(color)
    return int(digits[1:3], 16), int(digits[3:5], 16), int(digits[5:7], 16)


def _luminance(color: str) -> float:
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
        for share in (channel / 255 for channel in _channels(color))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast_ratio(a: str, b: str) -> float:
    """From 1 (the same) to 21 (black and white), whichever of the two is the text."""
    darker, lighter = sorted((_luminance(a), _luminance(b)))
    return (lighter + 0.05) / (darker + 0.05)


def readable_on(background: str) -> str:
    """Black or white, whichever contrasts more; never less than 4.5 to 1."""
    return max(WHITE, BLACK, key=lambda text: contrast_ratio(text, background))


def mixed(color: str, other: str, share: float) -> str:
    """``color`` with ``share`` (0 to 1) of ``other`` mixed in, channel by channel."""
    pairs = zip(_channels(color), _channels(other), strict=True)
    return "#" + "".join(f"{round(mine + (its - mine) * share):02X}" for mine, its in pairs)
