"""The icon storages: signed URLs, requests to S3, and the files that the folder serves."""

import calendar
import hashlib
import os
import socket
import threading
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.core.files.storage import storages
from django.test import Client

from organizations.models import User
from tests.support import factories
from tests.support.icons import store_icon
from tests.support.images import image_bytes, image_upload
from webchats.icons.images import read_image
from webchats.icons.s3 import S3IconStorage
from webchats.icons.storage import IconStorage, icon_storage, signed_url

KEY = f"orgs/{'a' * 24}/webchat/icon.png"


@pytest.fixture
def r2(settings: Any) -> S3IconStorage:
    """The storage as configured for Cloudflare R2 (docs/configuration.md)."""
    options = {
        "bucket_name": "icons",
        "endpoint_url": "https://account.r2.cloudflarestorage.com",
        "region_name": "auto",
        "access_key": "key-id",
        "secret_key": "secret",
        "querystring_expire": 3600,
    }
    r2_storage = {"BACKEND": "webchats.icons.s3.S3IconStorage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "icons": r2_storage}
    storage = storages["icons"]
    assert isinstance(storage, S3IconStorage)
    return storage


class NotSent(Exception):
    """Stops a request before it is sent."""


def test_an_upload_to_r2_has_no_checksum_and_no_streaming_trailer(r2: S3IconStorage) -> None:
    prepared: list[Any] = []

    def intercept(request: Any, **_: Any) -> None:
        prepared.append(request)
        raise NotSent

    r2.client.meta.events.register("before-send.s3", intercept)
    with pytest.raises(NotSent):
        r2.put(KEY, image_bytes(), "image/png")
    [request] = prepared
    names = {name.lower() for name in request.headers}
    assert request.method == "PUT"
    assert request.url == f"https://account.r2.cloudflarestorage.com/icons/{KEY}"
    assert not {
        name
        for name in names
        if name.startswith(("x-amz-checksum", "x-amz-sdk-checksum", "x-amz-trailer", "x-amz-acl"))
    }
    assert "transfer-encoding" not in names
    assert "content-encoding" not in names
    assert int(request.headers["Content-Length"]) == len(image_bytes())
    text = {name.lower(): _text(value) for name, value in request.headers.items()}
    assert text["x-amz-content-sha256"] in ("UNSIGNED-PAYLOAD", _sha256(image_bytes()))
    assert text["authorization"].startswith("AWS4-HMAC-SHA256 Credential=key-id/")
    assert "/auto/s3/aws4_request" in text["authorization"]
    assert text["content-type"] == "image/png"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_url_of_r2_is_signed_by_sigv4_for_its_lifetime(r2: S3IconStorage) -> None:
    url = urlsplit(signed_url(KEY))
    assert (url.scheme, url.netloc) == ("https", "account.r2.cloudflarestorage.com")
    assert url.path == f"/icons/{KEY}"
    query = parse_qs(url.query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Expires"] == ["3600"]


def test_the_origin_is_that_of_signed_urls(storage: IconStorage) -> None:
    url = urlsplit(signed_url(KEY))
    assert storage.origin == (f"{url.scheme}://{url.netloc}" if url.netloc else None)


def test_all_threads_share_one_client(r2: S3IconStorage) -> None:
    clients: list[Any] = []
    barrier = threading.Barrier(8)

    def get_client() -> None:
        barrier.wait()
        clients.append(icon_storage().client)  # type: ignore[attr-defined]

    threads = [threading.Thread(target=get_client) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(client) for client in clients}) == 1
    assert len(clients) == 8


def _seconds_left(url: str) -> float:
    """Return the remaining lifetime of a signed URL."""
    query = parse_qs(urlsplit(url).query)
    if "expires" in query:
        return float(query["expires"][0]) - time.time()
    signed = time.strptime(query["X-Amz-Date"][0] + "UTC", "%Y%m%dT%H%M%SZ%Z")
    return _seconds(signed) + float(query["X-Amz-Expires"][0]) - time.time()


def _seconds(moment: time.struct_time) -> float:
    return calendar.timegm(moment)


def test_a_url_is_reused_with_two_thirds_of_its_lifetime_left(storage: IconStorage) -> None:
    urls = []
    with time_machine.travel(1_800_000_000.5, tick=False) as clock:
        for _ in range(200):
            urls.append(signed_url(KEY))
            assert 2400 - 1 <= _seconds_left(urls[-1]) <= 3600
            clock.shift(60)
    # Signed once per period of 20 minutes, in 200 minutes.
    assert len(set(urls)) <= 11


@pytest.mark.django_db
def test_a_list_with_icons_makes_no_request_and_no_further_query(
    api: Any,
    admin: User,
    r2: S3IconStorage,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: Any,
) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    for number in range(20):
        key = f"orgs/{admin.organization_id}/webchat/{number}.png"
        factories.WebchatFactory.create(user=admin, prompt=prompt, icon=key)
    client = api(admin)
    # The hosts of connections that are opened after the connection to the database.
    hosts: list[Any] = []
    resolve = socket.getaddrinfo

    def record(host: Any, *arguments: Any, **options: Any) -> Any:
        hosts.append(host)
        return resolve(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", record)
    with django_assert_num_queries(3):
        documents = client.get("/api/webchats").json()["data"]
    assert len({document["icon"] for document in documents}) == 20
    assert hosts == []


# --- Files of the folder ---


def test_a_file_is_served_with_security_headers() -> None:
    key = store_icon("a" * 24)
    url = signed_url(key)
    response = Client().get(url)
    assert response.status_code == 200
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Disposition"] == f'inline; filename="{key.rpartition("/")[2]}"'
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert not response.cookies
    assert response.getvalue() == read_image(image_upload()).content
    assert Client().post(url).status_code == 405
    assert Client().head(url).status_code == 200


def test_a_file_can_be_cached_for_the_rest_of_its_urls_lifetime() -> None:
    key = store_icon("a" * 24)
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        url = signed_url(key)
        assert Client().get(url).headers["Cache-Control"] == "private, max-age=3600, immutable"
        clock.shift(3599)
        assert Client().get(url).headers["Cache-Control"] == "private, max-age=1, immutable"
        clock.shift(1)
        assert Client().get(url).status_code == 403


def test_the_signed_url_of_a_missing_file_returns_404() -> None:
    assert Client().get(signed_url(KEY)).status_code == 404


@pytest.mark.parametrize(
    "query",
    ["", "expires=&signature=", "expires=9999999999", "expires=x&signature=y", "signature=%ff"],
)
def test_every_path_without_a_valid_signature_returns_403(query: str) -> None:
    key = store_icon("a" * 24)
    for path in (key, KEY, "x", f"{key}/../{key}"):
        assert Client().get(f"/icons/{path}?{query}").status_code == 403


def test_the_signature_includes_the_expiry() -> None:
    key = store_icon("a" * 24)
    url = signed_url(key)
    expires = parse_qs(urlsplit(url).query)["expires"][0]
    later = url.replace(expires, str(int(expires) + 1))
    assert Client().get(later).status_code == 403


def test_the_url_of_a_file_returns_404_when_icons_are_in_a_bucket(r2: S3IconStorage) -> None:
    assert Client().get(f"/icons/{KEY}?expires=9999999999&signature=x").status_code == 404


def test_a_directory_is_not_an_object() -> None:
    storage, key = icon_storage(), store_icon("a" * 24)
    assert storage.exists(key)
    assert not storage.exists(key.rpartition("/")[0])


def test_deleting_a_missing_object_is_not_an_error(storage: IconStorage) -> None:
    storage.delete(KEY)
    assert not storage.exists(KEY)


def test_a_listing_skips_a_file_that_is_deleted_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    storage, folder = icon_storage(), f"orgs/{'a' * 24}/webchat/"
    for name in ("a.png", "b.png"):
        storage.put(folder + name, b"x", "image/png")
    walk = os.walk

    def late(top: str) -> Any:
        for place, folders, names in walk(top):
            if names:
                storage.delete(folder + "a.png")
            yield place, folders, names

    monkeypatch.setattr(os, "walk", late)
    assert [stored.key for stored in storage.objects("orgs/")] == [folder + "b.png"]
