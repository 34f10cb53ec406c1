"""Icons in a folder of the local file system."""

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import SplitResult

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.core.signing import BadSignature, Signer
from django.http.request import split_domain_port, validate_host
from django.urls import reverse

from webchats.icons.storage import StorageUnavailable, StoredObject
from webchats.metrics import STORAGE_FAILURES


@contextmanager
def _storage_errors() -> Iterator[None]:
    """Count errors of the file system and raise ``StorageUnavailable`` for them."""
    try:
        yield
    except OSError as error:
        STORAGE_FAILURES.labels("folder").inc()
        raise StorageUnavailable(str(error)) from error


class LocalIconStorage(FileSystemStorage):
    """A folder whose files ``webchats.icons.views.icon_file`` serves at signed URLs."""

    bucket_name = "local"
    origin: str | None = None

    def __init__(self, location: str | None = None, url_seconds: int = 3600) -> None:
        # Keys are unique, so ``save`` need not check whether the name is free.
        super().__init__(location, allow_overwrite=True)
        self.url_seconds = url_seconds
        # Also accepts SECRET_KEY_FALLBACKS, so that rotating SECRET_KEY breaks no signed URL.
        self._signer = Signer(salt="webchats.icons")

    def url(self, name: str | None) -> str:
        """Return the path of the object on our host, with an expiry and a signature."""
        expires = int(time.time()) + self.url_seconds
        signature = self._signer.signature(f"{name}:{expires}")
        return f"{reverse('icon-file', args=[name])}?expires={expires}&signature={signature}"

    def seconds_left(self, key: str, expires: str, signature: str) -> int | None:
        """Return the remaining lifetime of a signed URL; ``None`` if it is invalid or expired."""
        try:
            self._signer.unsign(f"{key}:{expires}:{signature}")
        except BadSignature:
            return None
        left = int(expires) - int(time.time())
        return left if left > 0 else None

    def put(self, key: str, content: bytes, content_type: str) -> None:
        with _storage_errors():
            self.save(key, ContentFile(content))

    def read(self, key: str) -> bytes | None:
        """Return the object's content; ``None`` if it does not exist."""
        with _storage_errors():
            try:
                return Path(self.path(key)).read_bytes()
            except FileNotFoundError:
                return None

    def exists(self, name: str) -> bool:
        # Not ``Path.is_file``, which returns ``False`` for a disk that does not respond. A folder
        # is not an object, as on S3.
        with _storage_errors():
            try:
                return stat.S_ISREG(Path(self.path(name)).stat().st_mode)
            except FileNotFoundError:
                return False

    def delete(self, name: str) -> None:
        with _storage_errors():
            super().delete(name)

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        with _storage_errors():
            for folder, _, names in os.walk(self.path(prefix)):
                for name in names:
                    path = Path(folder, name)
                    try:
                        modified_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                    except FileNotFoundError:
                        # Deleted after the folder was listed.
                        continue
                    yield StoredObject(path.relative_to(self.location).as_posix(), modified_at)

    def key_from_url(self, url: SplitResult) -> str | None:
        if url.scheme or url.netloc:
            host, _ = split_domain_port(url.netloc)
            if url.scheme not in ("http", "https") or not validate_host(
                host, settings.ALLOWED_HOSTS
            ):
                return None
        root = reverse("icon-file", args=["-"]).removesuffix("-")
        return url.path.removeprefix(root) if url.path.startswith(root) else None

    def check_connection(self) -> None:
        with _storage_errors():
            Path(self.location).mkdir(parents=True, exist_ok=True)
            if not os.access(self.location, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError("The folder is not writable.")
