"""Icons in a private bucket of an S3 service."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from threading import Lock
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
)
from storages.backends.s3 import S3Storage

from webchat_project.circuit_breaker import CircuitBreaker, CircuitOpen
from webchats.icons.storage import StorageUnavailable, StoredObject
from webchats.metrics import STORAGE_FAILURES

#: Calls that wait for the bucket at a time, in a process: half of the threads in the Dockerfile.
MAX_CALLS: Final = 8
#: Statuses of a service that is busy or failed, after which a request is repeated once.
_REPEATED: Final = (429, 500, 502, 503, 504)


class S3IconStorage(S3Storage):
    """A private bucket of Cloudflare R2 or of another S3 service.

    All threads share one client. django-storages creates one per thread, which takes 100 ms or
    more; botocore's clients are thread-safe.

    A bucket that does not respond within ``timeout`` is skipped for some seconds.
    """

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        self.client_config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            connect_timeout=self.timeout,
            read_timeout=self.timeout,
            # A timeout must not be repeated, and botocore cannot repeat other errors only.
            retries={"total_max_attempts": 1},
            # R2 rejects the streaming trailers that botocore sends by default.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        self._connection_lock = Lock()
        # boto3 generates the classes of its resources and clients when they are created.
        self._connection: Any = None
        self._breaker = CircuitBreaker(
            "icons",
            HTTPClientError,
            ConnectTimeoutError,
            EndpointConnectionError,
            max_calls=MAX_CALLS,
        )

    def get_default_settings(self) -> dict[str, object]:
        """Return the defaults of django-storages, with ``timeout`` in seconds."""
        return {**super().get_default_settings(), "timeout": 2, "file_overwrite": False}

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
        self._request(
            "put_object",
            Key=key,
            Body=content,
            ContentType=content_type,
            ContentDisposition="inline",
            CacheControl=f"private, max-age={self.url_seconds}, immutable",
        )

    def exists(self, name: str) -> bool:
        with self._errors():
            return self._has_object(name)

    def delete(self, name: str) -> None:
        self._request("delete_object", Key=name)

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        parameters = {"Prefix": prefix}
        while True:
            page = self._request("list_objects_v2", **parameters)
            for entry in page.get("Contents", ()):
                yield StoredObject(entry["Key"], entry["LastModified"])
            if not page["IsTruncated"]:
                return
            parameters["ContinuationToken"] = page["NextContinuationToken"]

    def _request(self, method: str, **parameters: object) -> Any:
        with self._errors():
            return self._send(method, **parameters)

    def _has_object(self, key: str) -> bool:
        try:
            self._send("head_object", Key=key)
        except ClientError as error:
            if _status(error) != HTTPStatus.NOT_FOUND:
                raise
            return False
        return True

    def _send(self, method: str, **parameters: object) -> Any:
        """Call a method of the client, a second time if the service is busy."""
        send = partial(getattr(self.client, method), Bucket=self.bucket_name, **parameters)
        try:
            return send()
        except ConnectionClosedError:  # The service closed the idle connection meanwhile.
            return send()
        except ClientError as error:
            if _status(error) not in _REPEATED:
                raise
            return send()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Count errors of requests to the service and raise ``StorageUnavailable`` for them."""
        try:
            with self._breaker.call():
                yield
        except CircuitOpen as error:
            raise StorageUnavailable(str(error)) from error
        except (BotoCoreError, ClientError) as error:
            STORAGE_FAILURES.labels("bucket").inc()
            raise StorageUnavailable(str(error)) from error

    def create_bucket(self) -> bool:
        """Create the bucket unless it exists. Return whether it was created."""
        with self._errors():
            try:
                self._send("head_bucket")
            except ClientError as error:
                # 403: the bucket exists and belongs to another account.
                if _status(error) != HTTPStatus.NOT_FOUND:
                    raise
                self._send("create_bucket")
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


def _status(error: ClientError) -> int:
    status: int = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return status
