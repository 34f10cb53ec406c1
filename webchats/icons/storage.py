"""The icon storage, ``STORAGES["icons"]``: a bucket (``s3.py``) or a folder (``local.py``).

Objects are private. A signed URL opens one object until it expires.
"""

import hashlib
import secrets
import time
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple, Protocol, cast
from urllib.parse import SplitResult

from django.core.files.storage import storages
from django.http import HttpRequest
from rest_framework.request import Request

from organizations.storage_keys import organization_prefix
from webchat_project.api.exceptions import DependencyUnavailable
from webchats.icons.images import SanitizedImage

#: How many signed URLs each process caches.
_CACHED_URLS: Final = 10_000


class StorageUnavailable(DependencyUnavailable):
    """The icon storage does not respond, or refuses access."""

    log_message = "The icon storage is unavailable"
    client_message = "The icon storage is unavailable. Try again in a moment."


class StoredObject(NamedTuple):
    """An object in a listing."""

    key: str
    modified_at: datetime


class IconStorage(Protocol):
    """The interface of both storages.

    Every method that accesses the storage raises ``StorageUnavailable`` within seconds if it does
    not respond. ``url``, ``key_from_url`` and ``origin`` do not access it.
    """

    #: The bucket's name in responses of the API.
    bucket_name: str

    def __hash__(self) -> int:
        """Return a hash: ``_cached_url`` uses the storage as a part of its cache key."""

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Store ``content`` under ``key``, with the MIME type ``content_type``."""

    def exists(self, name: str) -> bool:
        """Return whether the object exists."""

    def delete(self, name: str) -> None:
        """Delete the object if it exists."""

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """Yield every object whose key starts with ``prefix``, which ends with a slash."""

    def check_connection(self) -> None:
        """Raise ``StorageUnavailable`` unless the storage responds."""

    def url(self, name: str) -> str:
        """Return a URL of the object, signed now and valid for ``url_seconds``."""

    @property
    def url_seconds(self) -> int:
        """The lifetime of a signed URL, in seconds."""

    def key_from_url(self, url: SplitResult) -> str | None:
        """Return the path below the bucket or media host, ``None`` for any other URL.

        The signature and the expiry are not checked.
        """

    @property
    def origin(self) -> str | None:
        """The origin of signed URLs, for ``img-src`` of a CSP; ``None`` for the service's own."""


def icon_storage() -> IconStorage:
    """Return the storage that ``STORAGES["icons"]`` configures."""
    return cast("IconStorage", storages["icons"])


def store_image(organization_id: str, image: SanitizedImage) -> str:
    """Store the image under a new key and return the key.

    ``manage.py sweep_icons`` deletes the object if no row refers to it after a day.
    """
    storage = icon_storage()
    key = f"{organization_prefix(organization_id)}webchat/{secrets.token_hex(16)}.{image.extension}"
    storage.put(key, image.content, image.content_type)
    return key


def content_key(organization_id: str, image: SanitizedImage) -> str:
    """Return the key for an imported image, which is the same for the same content."""
    digest = hashlib.sha256(image.content).hexdigest()[:32]
    return f"{organization_prefix(organization_id)}webchat/{digest}.{image.extension}"


def signed_url(key: str, request: HttpRequest | Request | None = None) -> str:
    """Return a URL that opens the icon, with at least half of its lifetime left.

    Makes no network call. URLs of the folder are paths; with ``request`` they are absolute.
    """
    storage = icon_storage()
    url = _cached_url(storage, key, _period(storage))
    return request.build_absolute_uri(url) if request and url.startswith("/") else url


def signed_url_version(key: str) -> str:
    """Return a string, equal in every process, that changes when ``signed_url(key)`` does."""
    return f"{key} {_period(icon_storage())}"


def _period(storage: IconStorage) -> int:
    """Return the number of the period in which the same URL is reused.

    A period is a third of the lifetime, so that half of it is left even if a response cache keeps
    the URL for another sixth.
    """
    return int(time.time() / (storage.url_seconds / 3))


@lru_cache(maxsize=_CACHED_URLS)
def _cached_url(storage: IconStorage, key: str, _period: int) -> str:
    """Sign once per period: signing takes time, and browsers cache an icon by its URL."""
    return storage.url(key)
