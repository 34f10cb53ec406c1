"""Icons in a private bucket."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from http import HTTPStatus
from threading import Lock
from typing import Any
from urllib.parse import SplitResult, urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

from webchats.icons.storage import SignedUrls, StoredObject, asking


def _asking() -> AbstractContextManager[None]:
    """Around a request to the server."""
    return asking("bucket", BotoCoreError, ClientError)


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
        self.signed_url = SignedUrls(self.url, self.querystring_expire)
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

    def make_bucket(self) -> bool:
        """Make the bucket and return ``True``, unless it is there already."""
        client = self.client
        with _asking():
            try:
                client.head_bucket(Bucket=self.bucket_name)
            except ClientError as error:
                # A bucket that is another's is 403: that is for the caller to hear.
                if error.response["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.NOT_FOUND:
                    raise
                client.create_bucket(Bucket=self.bucket_name)
                return True
        return False

    def key_of(self, url: SplitResult) -> str | None:
        ours = urlsplit(f"{self.client.meta.endpoint_url.rstrip('/')}/{self.bucket_name}/")
        if (url.scheme, url.netloc) != (ours.scheme, ours.netloc):
            return None
        return url.path.removeprefix(ours.path) if url.path.startswith(ours.path) else None

    @property
    def origin(self) -> str | None:
        url = urlsplit(self.client.meta.endpoint_url)
        return f"{url.scheme}://{url.netloc}"

    def check(self) -> None:
        # What the service does all day, and so no right that it might not have: with any answer
        # but a refusal it works.
        self.exists("orgs/none")
