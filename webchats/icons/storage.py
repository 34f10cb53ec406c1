"""Where icons are kept: what ``STORAGES["icons"]`` can do, be it a bucket (``s3_storage``) or a
folder (``folder_storage``).

Both give the same: private objects, and URLs that open one of them until they expire.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple, Protocol
from urllib.parse import SplitResult

from webchat_project.api.exceptions import DependencyUnavailable
from webchats.metrics import STORAGE_FAILURES
from webchats.widget.response_cache import SECONDS

#: How many signed URLs a process remembers.
_REMEMBERED = 10_000


class StorageUnavailable(DependencyUnavailable):
    """The storage does not answer, or does not let us in."""

    log_message = "The icons' storage did not answer"
    client_message = "The storage of icons does not answer. Try again in a moment."


@contextmanager
def asking(storage: str, *errors: type[Exception]) -> Iterator[None]:
    """Around what asks a storage: its own errors are ours, and are counted."""
    try:
        yield
    except errors as error:
        STORAGE_FAILURES.labels(storage).inc()
        raise StorageUnavailable(str(error)) from error


class StoredObject(NamedTuple):
    """What is known of an object without reading it."""

    key: str
    modified: datetime


class IconStorage(Protocol):
    """What both storages can do. Every method that asks the storage raises
    ``StorageUnavailable`` within seconds when it does not answer."""

    #: How the API calls the place.
    bucket_name: str

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Store an object."""

    def exists(self, name: str) -> bool:
        """Whether there is such an object."""

    def delete(self, name: str) -> None:
        """Delete the object if there is one."""

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """Every object whose key begins with ``prefix``, which ends with a slash."""

    #: Makes a URL with at least half of its life left, without asking the storage.
    signed_url: "SignedUrls"

    def key_of(self, url: SplitResult) -> str | None:
        """The path below our bucket or media host that a URL points to; ``None`` for the URL of
        another place. Its signature and its age play no part."""

    @property
    def origin(self) -> str | None:
        """The origin that signed URLs lead to, for a page's ``img-src``; ``None``: our own."""

    def check(self) -> None:
        """Return if the storage answers."""


class SignedUrls:
    """Signed URLs, each handed out again while at least half of its life is left: signing costs
    time, and a browser's cache knows an icon by its URL."""

    def __init__(self, sign: Callable[[str], str], seconds: int) -> None:
        # Less than half, since an answer that is remembered hands a URL out a little longer.
        self._period = seconds / 2 - SECONDS
        self._signed = lru_cache(maxsize=_REMEMBERED)(lambda key, _period: sign(key))

    def __call__(self, key: str) -> str:
        # Signed at some moment of the period, and not used after it.
        url: str = self._signed(key, self.period)
        return url

    @property
    def period(self) -> int:
        """The number of the period, in every process: with the next, URLs are others."""
        return int(time.time() // self._period)
