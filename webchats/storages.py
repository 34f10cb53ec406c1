"""Where icons are kept: ``STORAGES["icons"]`` is one of the two storages of this module.

Both give the same: private objects, and URLs that open one of them until they expire.
"""

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, Protocol
from urllib.parse import SplitResult, urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.core.signing import BadSignature, Signer
from django.http.request import split_domain_port, validate_host
from django.urls import reverse
from storages.backends.s3 import S3Storage

#: How many signed URLs a process remembers.
_REMEMBERED = 10_000


class StorageUnavailable(Exception):
    """The storage does not answer, or does not let us in."""


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

    def signed_url(self, key: str) -> str:
        """A URL with at least half of its life left; made without asking the storage."""

    def key_of(self, url: SplitResult) -> str | None:
        """The path below our bucket or media host that a URL points to; ``None`` for the URL of
        another place. Its signature and its age play no part."""

    def check(self) -> None:
        """Return if the storage answers."""


class _SignedUrls:
    """Signed URLs, each handed out again while at least half of its life is left: signing costs
    time, and a browser's cache knows an icon by its URL."""

    def __init__(self, sign: Any, seconds: int) -> None:
        self._half = seconds / 2
        self._signed = lru_cache(maxsize=_REMEMBERED)(lambda key, _period: sign(key))

    def __call__(self, key: str) -> str:
        # Signed at some moment of a period that lasts half a life, and not used after it.
        url: str = self._signed(key, int(time.time() // self._half))
        return url


@contextmanager
def _asking() -> Iterator[None]:
    """Around a request to the S3 server or the file system."""
    try:
        yield
    except (BotoCoreError, ClientError, OSError) as error:
        raise StorageUnavailable(str(error)) from error


class S3IconStorage(S3Storage):  # type: ignore[misc,unused-ignore]
    """A private bucket of Cloudflare R2 or of another S3 service.

    django-storages makes a client for each thread, which costs 100 ms or more; botocore's clients
    may be shared by threads, so that here there is one.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.client_config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            connect_timeout=self.timeout,
            read_timeout=self.timeout,
            retries={"total_max_attempts": self.attempts, "mode": "standard"},
            # R2 does not take the streaming trailers that botocore sends by default.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        self.signed_url = _SignedUrls(self.url, self.querystring_expire)
        self._making = Lock()
        self._shared: Any = None

    def get_default_settings(self) -> dict[str, Any]:
        """django-storages' options and two of ours; its own default is a public-facing file
        name that overwrites."""
        return {
            **super().get_default_settings(),
            "timeout": 3,
            "attempts": 2,
            "file_overwrite": False,
        }

    @property
    def connection(self) -> Any:
        """The one connection of the process."""
        if self._shared is None:
            with self._making:
                if self._shared is None:
                    self._shared = super().connection
        return self._shared

    @property
    def client(self) -> Any:
        """The one client of the process."""
        return self.connection.meta.client

    def put(self, key: str, content: bytes, content_type: str) -> None:
        # One request: django-storages' own way looks first whether the name is free and starts
        # threads for a transfer in parts.
        with _asking():
            self.client.put_object(
                Bucket=self.bucket_name,
                Key=key,
                Body=content,
                ContentType=content_type,
                ContentDisposition="inline",
                CacheControl=f"private, max-age={self.querystring_expire}, immutable",
            )

    def exists(self, name: str) -> bool:
        with _asking():
            found: bool = super().exists(name)
            return found

    def delete(self, name: str) -> None:
        with _asking():
            self.client.delete_object(Bucket=self.bucket_name, Key=name)

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        with _asking():
            pages = self.client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket_name, Prefix=prefix):
                for entry in page.get("Contents", ()):
                    yield StoredObject(entry["Key"], entry["LastModified"])

    def key_of(self, url: SplitResult) -> str | None:
        ours = urlsplit(f"{self.client.meta.endpoint_url.rstrip('/')}/{self.bucket_name}/")
        if (url.scheme, url.netloc) != (ours.scheme, ours.netloc):
            return None
        return url.path.removeprefix(ours.path) if url.path.startswith(ours.path) else None

    def check(self) -> None:
        # What the service does all day, and so no right that it might not have: with any answer
        # but a refusal it works.
        self.exists("orgs/none")


class SignedFileStorage(FileSystemStorage):
    """A folder, whose files are served by ``webchats.icon_views`` to who has a signed URL."""

    bucket_name = "local"
    _signer = Signer(salt="webchats.icons")

    def __init__(self, *, url_seconds: int = 3600, **options: Any) -> None:
        super().__init__(**options)
        self._seconds = url_seconds
        self.signed_url = _SignedUrls(self.url, url_seconds)

    def url(self, name: str | None) -> str:
        """The path of the object on our own host, with a signature that expires."""
        expires = int(time.time()) + self._seconds
        signature = self._signer.signature(f"{name}:{expires}")
        return f"{reverse('icon-file', args=[name])}?expires={expires}&signature={signature}"

    def seconds_left(self, key: str, expires: str, signature: str) -> int | None:
        """For how long the URL with these parts is good; ``None`` if it is not, or never was."""
        try:
            self._signer.unsign(f"{key}:{expires}:{signature}")
        except BadSignature:
            return None
        left = int(expires) - int(time.time())
        return left if left > 0 else None

    def put(self, key: str, content: bytes, content_type: str) -> None:
        with _asking():
            self.save(key, ContentFile(content))

    def exists(self, name: str) -> bool:
        # As an S3 server has it: a folder is no object. (``Path.is_file`` would take a disk that
        # does not answer for a file that is not there.)
        with _asking():
            try:
                return stat.S_ISREG(Path(self.path(name)).stat().st_mode)
            except (FileNotFoundError, NotADirectoryError):
                return False

    def delete(self, name: str) -> None:
        with _asking():
            super().delete(name)

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        with _asking():
            for folder, _, names in os.walk(self.path(prefix)):
                for name in names:
                    path = Path(folder, name)
                    modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                    yield StoredObject(path.relative_to(self.location).as_posix(), modified)

    def key_of(self, url: SplitResult) -> str | None:
        if url.scheme or url.netloc:
            host, _ = split_domain_port(url.netloc)
            if url.scheme not in ("http", "https") or not validate_host(
                host, settings.ALLOWED_HOSTS
            ):
                return None
        root = reverse("icon-file", args=["-"]).removesuffix("-")
        return url.path.removeprefix(root) if url.path.startswith(root) else None

    def check(self) -> None:
        with _asking():
            Path(self.location).mkdir(parents=True, exist_ok=True)
        if not os.access(self.location, os.R_OK | os.W_OK | os.X_OK):
            raise StorageUnavailable("The folder cannot be written.")
