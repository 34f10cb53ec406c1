"""Icon keys: how the database stores an icon, and how clients send one.

The storage receives only keys whose format and owner have been checked.
"""

import re
from typing import Final
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

from webchats.icons.images import CONTENT_TYPES
from webchats.icons.storage import icon_storage

#: Narrower than ``storage_keys.STORAGE_KEY_PATTERN``.
_KEY: Final = re.compile(
    rf"orgs/[0-9a-f]{{24}}/webchat/[A-Za-z0-9_-]{{1,64}}\.(?:{'|'.join(CONTENT_TYPES)})"
)
#: Printable ASCII: ``urlsplit`` silently removes spaces, tabs and line breaks.
_URL: Final = re.compile(r"[!-~]{1,4096}")


class IconNotFound(ValidationError):
    """The error for every invalid, unknown or foreign icon. It does not reveal the reason."""

    def __init__(self) -> None:
        super().__init__(
            "Icon not found. Send a key from POST /api/upload or an icon URL from this API.",
            code="does_not_exist",
        )


def is_icon_key(text: str) -> bool:
    """Return whether ``text`` has the format of an icon key."""
    return _KEY.fullmatch(text) is not None


def key_from(text: str) -> str:
    """Return the icon key in ``text``, which is a key or a URL of the storage.

    The signature and the expiry of a URL are ignored, so that clients can send back what they
    read. Raise ``IconNotFound`` for any other text. ``validate_icon_key`` checks the owner and
    whether the object exists.
    """
    if is_icon_key(text):
        return text
    key = _key_from_url(text)
    if key is None or not is_icon_key(key):
        raise IconNotFound
    return key


def is_same_icon(value: object, key: str) -> bool:
    """Return whether ``value``, as sent by a client, is ``key`` or a URL of its object."""
    try:
        return isinstance(value, str) and key_from(value) == key
    except IconNotFound:
        return False


def _key_from_url(text: str) -> str | None:
    if not _URL.fullmatch(text):
        return None
    try:
        url = urlsplit(text)
    except ValueError:
        return None
    return icon_storage().key_from_url(url)
