"""Names of time zones (IANA, RFC 6557), as organizations set them."""

from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError

DEFAULT_TIME_ZONE: Final = "UTC"
#: Files of some systems that are no time zones.
_NO_NAMES: Final = {"Factory", "localtime"}
#: The longest name has 32 characters.
TIME_ZONE_LENGTH: Final = 64


@cache
def time_zone_names() -> tuple[str, ...]:
    """Return the names of all time zones, in alphabetical order."""
    return tuple(sorted(available_timezones() - _NO_NAMES))


def validate_time_zone(name: str) -> None:
    """Raise ``ValidationError`` unless there is a time zone of this name."""
    if name not in time_zone_names():
        message = "Unknown time zone. Enter a name such as Europe/Berlin or UTC."
        raise ValidationError(message, "invalid")


def get_time_zone(name: str) -> ZoneInfo:
    """Return the time zone, or UTC for a name that this computer no longer has."""
    return ZoneInfo(name if name in time_zone_names() else DEFAULT_TIME_ZONE)
