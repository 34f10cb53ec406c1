"""What a colour is: ``#RGB`` or ``#RRGGBB`` in, ``#RRGGBB`` stored and out, letter case kept."""

from typing import Any, Final

from django.core.validators import RegexValidator
from django.db import models

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


class ColorField(models.CharField[str, str]):
    """A hex colour (CSS Color 4, section 5.2, without alpha)."""

    default_validators = [validate_color]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options["max_length"] = 7
        super().__init__(*arguments, **options)

    def deconstruct(self) -> Any:
        name, path, arguments, options = super().deconstruct()
        del options["max_length"]
        return name, path, arguments, options

    def to_python(self, value: Any) -> Any:
        value = super().to_python(value)
        return canonical(value.strip()) if isinstance(value, str) else value
