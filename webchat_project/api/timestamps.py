"""Timestamps in JSON, and the versions of rows that follow from them.

Versions serve optimistic concurrency in the API (``ETag`` and ``If-Match``) and in forms.

The version of a row follows from its column ``updated_at``, in microseconds. Every write sets the
column: a save, a bulk update and an import. A row is locked between the comparison and the write.
"""

import re
from datetime import UTC, datetime, timedelta

from rest_framework.fields import DateTimeField

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: RFC 3339, section 5.6. ISO 8601 has more forms.
_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def get_version(updated_at: datetime) -> str:
    """Return the version of a row that was last written at ``updated_at``: opaque, hexadecimal."""
    return f"{(updated_at - _EPOCH) // _MICROSECOND:x}"


def get_etag(updated_at: datetime) -> str:
    """Return the value of the header ``ETag``: the version in double quotes."""
    return f'"{get_version(updated_at)}"'


def is_expected_version(updated_at: datetime, if_match: str) -> bool:
    """Return whether the header ``If-Match`` names the version of the row, or is ``*``.

    Proxies that compress responses make an ETag weak (``W/"…"``, nginx) or append a suffix
    (``"…-gzip"``, Apache and Caddy). Both still name the version that the client has read.
    """
    if if_match.strip() == "*":
        return True
    tags = {tag.strip().removeprefix("W/").strip('"') for tag in if_match.split(",")}
    return get_version(updated_at) in {tag.partition("-")[0] for tag in tags}


def format_timestamp(value: datetime) -> str:
    """Return a time as RFC 3339, in UTC with milliseconds: ``2026-03-12T10:00:00.000Z``."""
    return f"{value.astimezone(UTC).isoformat(timespec='milliseconds')[:-6]}Z"


class TimestampField(DateTimeField):
    """A date and time of RFC 3339. Accepts any time zone; returns UTC with milliseconds."""

    default_error_messages = {
        "invalid": "Must be a date and time such as 2026-03-12T10:00:00.000Z.",
    }

    def to_internal_value(self, value: object) -> datetime:
        if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
            self.fail("invalid", format="")
        return super().to_internal_value(value)

    def to_representation(self, value: datetime) -> str:
        return format_timestamp(value)
