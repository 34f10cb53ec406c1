"""Icons in a private bucket of an S3 service."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from threading import Lock
from typing import Any
from urllib.parse import SplitResult, urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

from webchats.icons.storage import StorageUnavailable, StoredObject
from webchats.metrics import STORAGE_FAILURES


@contextmanager
def _storage_errors() -> Iterator[None]:
    """Count errors of requests to the service and raise ``StorageUnavailable`` for them."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        STORAGE_FAILURES.labels("bucket").inc()
        raise StorageUnavailable(str(error)) from error


class S3IconStorage(S3Storage):
    """A private bucket of Cloudflare R2 or of another S3 service.

    All threads share one client. django-storages creates one per thread, which takes 100 ms or
    more; botocore's clients are thread-safe.
    """

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        self.client_config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            connect_timeout=self.timeout,
            read_timeout=self.timeout,
            retries={"total_max_attempts": self.attempts, "mode": "standard"},
            # R2 rejects the streaming trailers that botocore sends by default.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        self._connection_lock = Lock()
        # boto3 generates the classes of its resources and clients when they are created.
        self._connection: Any = None

    def get_default_settings(self) -> dict[str, object]:
        """Return the defaults of django-storages, with ``timeout`` in seconds and ``attempts``."""
        return {
            **super().get_default_settings(),
            "timeout": 3,
            "attempts": 2,
            "file_overwrite": False,
        }

    @property
    def connection(self) -> Any:
        """The process's boto3 resource."""
        if self._connection is None:
            with self._connection_lock:
                if self._connection is None:
                    self._connection = super().connection
        return self._connection

    @property
    def client(self) -> Any:
        """The process's boto3 client."""
        return self.connection.meta.client

    @property
    def url_seconds(self) -> int:
        return int(self.querystring_expire)

    def put(self, key: str, content: bytes, content_type: str) -> None:
        # One request. ``S3Storage.save`` first checks whether the name is free, and starts
        # threads for a multipart upload.
        with _storage_errors():
            self.client.put_object(
                Bucket=self.bucket_name,
                Key=key,
                Body=content,
                ContentType=content_type,
                ContentDisposition="inline",
                CacheControl=f"private, max-age={self.url_seconds}, immutable",
            )

    def exists(self, name: str) -> bool:
        with _storage_errors():
            return bool(super().exists(name))

    def delete(self, name: str) -> None:
        with _storage_errors():
            self.client.delete_object(Bucket=self.bucket_name, Key=name)

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        with _storage_errors():
            pages = self.client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket_name, Prefix=prefix):
                for entry in page.get("Contents", ()):
                    yield StoredObject(entry["Key"], entry["LastModified"])

    def create_bucket(self) -> bool:
        """Create the bucket unless it exists. Return whether it was created."""
        client = self.client
        with _storage_errors():
            try:
                client.head_bucket(Bucket=self.bucket_name)
            except ClientError as error:
                # 403: the bucket exists and belongs to another account.
                if error.response["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.NOT_FOUND:
                    raise
                client.create_bucket(Bucket=self.bucket_name)
                return True
        return False

    def key_from_url(self, url: SplitResult) -> str | None:
        bucket = urlsplit(f"{self.client.meta.endpoint_url.rstrip('/')}/{self.bucket_name}/")
        if (url.scheme, url.netloc) != (bucket.scheme, bucket.netloc):
            return None
        return url.path.removeprefix(bucket.path) if url.path.startswith(bucket.path) else None

    @property
    def origin(self) -> str | None:
        url = urlsplit(self.client.meta.endpoint_url)
        return f"{url.scheme}://{url.netloc}"

    def check_connection(self) -> None:
        # Other requests would require additional permissions.
        self.exists("orgs/none")
