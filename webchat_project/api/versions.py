"""Versions of rows: for optimistic concurrency in the API (``ETag`` and ``If-Match``) and in forms.

The version of a row follows from its column ``updated_at``, in microseconds. Every write sets the
column: a save, a bulk update and an import. A row is locked between the comparison and the write.
"""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


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
