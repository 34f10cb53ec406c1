"""Icons in a folder of the local file system."""

import os
import stat
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.core.signing import BadSignature, Signer
from django.http.request import split_domain_port, validate_host
from django.urls import reverse

from webchats.icons.storage import SignedUrls, StoredObject, asking


def _asking() -> AbstractContextManager[None]:
    """Around what asks the file system."""
    return asking("folder", OSError)


class SignedFileStorage(FileSystemStorage):
    """A folder, whose files are served by ``webchats.icon_views`` to who has a signed URL."""

    bucket_name = "local"

    def __init__(self, *, url_seconds: int = 3600, **options: Any) -> None:
        super().__init__(**options)
        self._seconds = url_seconds
        # With the keys before this one, so that changing SECRET_KEY breaks no image on a page.
        self._signer = Signer(salt="webchats.icons")
        self.signed_url = SignedUrls(self.url, url_seconds)

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

    def read(self, key: str) -> bytes | None:
        """The file, which is small; ``None`` if there is none."""
        with _asking():
            try:
                return Path(self.path(key)).read_bytes()
            except FileNotFoundError:
                return None

    def exists(self, name: str) -> bool:
        # As an S3 server has it: a folder is no object. (``Path.is_file`` would take a disk that
        # does not answer for a file that is not there.)
        with _asking():
            try:
                return stat.S_ISREG(Path(self.path(name)).stat().st_mode)
            except FileNotFoundError:
                return False

    def delete(self, name: str) -> None:
        with _asking():
            super().delete(name)

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        with _asking():
            for folder, _, names in os.walk(self.path(prefix)):
                for name in names:
                    path = Path(folder, name)
                    try:
                        modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                    except FileNotFoundError:
                        # Deleted since the folder was listed.
                        continue
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

    @property
    def origin(self) -> str | None:
        return None

    def check(self) -> None:
        with _asking():
            Path(self.location).mkdir(parents=True, exist_ok=True)
            if not os.access(self.location, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError("The folder cannot be written.")
