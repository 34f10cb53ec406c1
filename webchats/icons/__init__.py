"""What an icon is: an image in the organization's part of the storage, known to the database by
its key and to everybody else by signed URLs.

A key is looked at before the storage is: it never sees one of another organization.
"""

import hashlib
import re
import secrets
from typing import IO, Any, Final, cast
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.files.storage import storages
from django.db import models, transaction

from organizations.models import Organization
from organizations.storage_keys import organization_id_of, organization_prefix
from webchats.icons.images import (
    CONTENT_TYPES,
    MAX_BYTES,
    CleanImage,
    clean_image,
    too_many_bytes,
)
from webchats.icons.storage import IconStorage

#: An icon's key, anchored at neither end; narrower than ``storage_keys.PATTERN``.
KEY_PATTERN: Final = (
    rf"orgs/[0-9a-f]{{24}}/webchat/[A-Za-z0-9_-]{{1,64}}\.(?:{'|'.join(CONTENT_TYPES)})"
)
_KEY: Final = re.compile(KEY_PATTERN)
#: ``urlsplit`` forgives what is not here: blanks, control characters, line ends.
_URL_CHARACTERS: Final = re.compile(r"[!-~]{1,4096}")


def icon_storage() -> IconStorage:
    """The storage that ``STORAGES["icons"]`` names."""
    return cast("IconStorage", storages["icons"])


def no_such_icon() -> ValidationError:
    """The one answer to every key or URL that is not a good one, so that it tells nothing."""
    return ValidationError("There is no such icon.", code="does_not_exist")


# --- Keys and URLs ---


def is_icon_key(text: str) -> bool:
    """Whether ``text`` has the form of a key."""
    return _KEY.fullmatch(text) is not None


def key_in(text: str) -> str:
    """The key that ``text`` is, or that it points to as a URL of our storage, expired or not.

    Raises ``ValidationError`` for any other text. Whose key it is, and whether there is such an
    object, is ``check``'s to say.
    """
    if is_icon_key(text):
        return text
    key = _key_of_url(text)
    if key is None or not is_icon_key(key):
        raise no_such_icon()
    return key


def is_of(given: Any, key: str) -> bool:
    """Whether what a client gave is the key, or a URL of it."""
    try:
        return isinstance(given, str) and key_in(given) == key
    except ValidationError:
        return False


def _key_of_url(text: str) -> str | None:
    if not _URL_CHARACTERS.fullmatch(text):
        return None
    try:
        url = urlsplit(text)
    except ValueError:
        return None
    return icon_storage().key_of(url)


def check(key: str, organization_id: str) -> None:
    """Raise ``ValidationError`` unless the key names an object of the organization.

    Within a transaction the object stays there until its end: see ``delete_unused``.
    """
    if organization_id_of(key) != organization_id:
        raise no_such_icon()
    if transaction.get_connection().in_atomic_block:
        lock(organization_id)
    if not icon_storage().exists(key):
        raise no_such_icon()


def signed_url(key: str, request: Any = None) -> str | None:
    """A URL that opens the object, with at least half of its life left; ``None`` without a key.

    Makes no network call. The local file system's URLs begin with a slash, unless ``request``
    tells our host.
    """
    if not key:
        return None
    url = icon_storage().signed_url(key)
    if request is not None and url.startswith("/"):
        return cast("str", request.build_absolute_uri(url))
    return url


def public_icon_url(webchat: Any, request: Any = None) -> str | None:
    """The icon that a visitor sees: the webchat's own, else its organization's."""
    return signed_url(webchat.icon or webchat.organization.default_icon, request)


def public_icon_version(webchat: Any) -> str:
    """A text that changes when ``public_icon_url`` has to be asked for again, and that is the same
    in every process: each signs a URL of its own."""
    key = webchat.icon or webchat.organization.default_icon
    return f"{key} {icon_storage().signed_url.period}" if key else ""


# --- Objects ---


def read_image(file: IO[bytes]) -> CleanImage:
    """The clean copy of an uploaded image; raises ``ValidationError`` naming the rule it breaks."""
    content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise too_many_bytes()
    return clean_image(content)


def store_image(organization_id: str, image: CleanImage) -> str:
    """Store the image and return its key. Until a row refers to it, ``sweep_icons`` may in time
    remove it."""
    key = f"{organization_prefix(organization_id)}webchat/{secrets.token_hex(16)}.{image.extension}"
    icon_storage().put(key, image.content, image.content_type)
    return key


def key_by_content(organization_id: str, image: CleanImage) -> str:
    """The key under which an import stores the image: the same for the same image."""
    digest = hashlib.sha256(image.content).hexdigest()[:32]
    return f"{organization_prefix(organization_id)}webchat/{digest}.{image.extension}"


def store(organization_id: str, file: IO[bytes]) -> str:
    """Read, clean and store an uploaded image; return its key."""
    return store_image(organization_id, read_image(file))


def is_unused(key: str, webchats: models.QuerySet[Any]) -> bool:
    """Whether no row refers to the object."""
    organizations = Organization.objects.filter(default_icon=key)
    return not webchats.filter(icon=key).exists() and not organizations.exists()


def delete_unused(key: str, webchats: models.QuerySet[Any]) -> bool:
    """Delete the object unless a row refers to it; return whether it was deleted.

    Who is about to refer to it holds the same lock (``check``): the object is either kept for
    them or gone before they look.
    """
    organization_id = organization_id_of(key)
    with transaction.atomic():
        if organization_id is not None:
            lock(organization_id)
        if not is_unused(key, webchats):
            return False
        icon_storage().delete(key)
    return True


def lock(organization_id: str) -> None:
    """Keep the organization's icons as they are until the end of the transaction.

    Who locks a webchat as well does so after this, everywhere: so nobody waits in a ring.
    """
    # Rows of the organization can still be written: only its icons, and imports, wait.
    list(Organization.objects.select_for_update(no_key=True).filter(pk=organization_id))
