"""Hex colors: accepted forms, stored form, and contrast.

``#RGB`` and ``#RRGGBB`` are accepted. ``#RRGGBB`` is stored and returned in the given letter case.
Contrast follows the definitions of "contrast ratio" and "relative luminance" in WCAG 2.2
(https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio).
"""

from typing import Final

from django.core.validators import RegexValidator

#: The accepted forms, for schemas and HTML. ``^`` and ``$`` are the anchors of both dialects.
INPUT_PATTERN: Final = r"^#(?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$"
#: The stored form. PostgreSQL and Python (SQLite) agree on ``\A`` and ``\Z``; ``$`` would also
#: match before a final newline.
STORED_PATTERN: Final = r"\A#[0-9A-Fa-f]{6}\Z"
#: The length of ``#RGB``.
SHORT_LENGTH: Final = 4

BLACK: Final = "#000000"
WHITE: Final = "#FFFFFF"
#: Minimum contrast of normal text (WCAG 2.2, success criterion 1.4.3, level AA).
READABLE_RATIO: Final = 4.5

validate_color = RegexValidator(
    STORED_PATTERN,
    message="Enter a color as #RGB or #RRGGBB, for example #1F2937.",
    code="invalid",
)


def expand_short_color(color: str) -> str:
    """Return ``#RGB`` as ``#RRGGBB`` and any other text unchanged."""
    if len(color) == SHORT_LENGTH and color.startswith("#"):
        return "#" + "".join(digit * 2 for digit in color[1:])
    return color


def contrast_ratio(a: str, b: str) -> float:
    """Return the contrast of two colors in either order, from 1 (equal) to 21 (black, white)."""
    darker, lighter = sorted((_relative_luminance(a), _relative_luminance(b)))
    return (lighter + 0.05) / (darker + 0.05)


def readable_text_color(background: str) -> str:
    """Return black or white, whichever has the higher contrast, which is at least 4.5."""
    return max(WHITE, BLACK, key=lambda text: contrast_ratio(text, background))


def readable_shade(color: str, background: str) -> str:
    """Return ``color``, with as much black or white as it needs to be readable on ``background``.

    Black or white is added in steps of a twentieth.
    """
    text = readable_text_color(background)
    shades = (mix(color, text, step / 20) for step in range(21))
    return next(shade for shade in shades if contrast_ratio(shade, background) >= READABLE_RATIO)


def mix(color: str, other: str, share: float) -> str:
    """Return ``color`` with ``share`` (0 to 1) of ``other``, interpolated per channel."""
    pairs = zip(_channels(color), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in pairs)


def _channels(color: str) -> tuple[int, int, int]:
    digits = expand_short_color(color)
    return int(digits[1:3], 16), int(digits[3:5], 16), int(digits[5:7], 16)


def _relative_luminance(color: str) -> float:
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
        for share in (channel / 255 for channel in _channels(color))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
