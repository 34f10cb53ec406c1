"""The storages of icons themselves: what they sign, what they send, what they share."""

import calendar
import hashlib
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
    """The request was ready to go."""


def test_an_upload_to_r2_has_no_checksum_and_no_streaming_trailer(r2: S3IconStorage) -> None:
    prepared: list[Any] = []

    def stop(request: Any, **_: Any) -> None:
        prepared.append(request)
        raise NotSent

    r2.client.meta.events.register("before-send.s3", stop)
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


def test_a_url_of_r2_is_signed_by_sigv4_for_the_life_set(r2: S3IconStorage) -> None:
    url = urlsplit(signed_url(KEY))
    assert (url.scheme, url.netloc) == ("https", "account.r2.cloudflarestorage.com")
    assert url.path == f"/icons/{KEY}"
    query = parse_qs(url.query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Expires"] == ["3600"]


def test_a_page_learns_which_origin_its_images_come_from(storage: IconStorage) -> None:
    url = urlsplit(signed_url(KEY))
    assert storage.origin == (f"{url.scheme}://{url.netloc}" if url.netloc else None)


def test_all_threads_share_one_client(r2: S3IconStorage) -> None:
    clients: list[Any] = []
    barrier = threading.Barrier(8)

    def look() -> None:
        barrier.wait()
        clients.append(icon_storage().client)  # type: ignore[attr-defined]

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(client) for client in clients}) == 1
    assert len(clients) == 8


def _life_left(url: str) -> float:
    query = parse_qs(urlsplit(url).query)
    if "expires" in query:
        return float(query["expires"][0]) - time.time()
    signed = time.strptime(query["X-Amz-Date"][0] + "UTC", "%Y%m%dT%H%M%SZ%Z")
    return _seconds(signed) + float(query["X-Amz-Expires"][0]) - time.time()


def _seconds(moment: time.struct_time) -> float:
    return calendar.timegm(moment)


def test_a_url_is_reused_and_always_has_half_of_its_life_left(storage: IconStorage) -> None:
    urls = []
    with time_machine.travel(1_800_000_000.5, tick=False) as clock:
        for _ in range(200):
            urls.append(signed_url(KEY))
            assert 2400 - 1 <= _life_left(urls[-1]) <= 3600
            clock.shift(60)
    # Signed once per period of 20 minutes, in 200 minutes.
    assert len(set(urls)) <= 11


@pytest.mark.django_db
def test_a_list_with_icons_makes_no_call_and_no_query_more(
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
    # Whoever opens a connection to another host, now that the database is connected.
    hosts: list[Any] = []
    resolve = socket.getaddrinfo

    def listen(host: Any, *arguments: Any, **options: Any) -> Any:
        hosts.append(host)
        return resolve(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", listen)
    with django_assert_num_queries(3):
        documents = client.get("/api/webchats").json()["data"]
    assert len({document["icon"] for document in documents}) == 20
    assert hosts == []


# --- The folder's own URLs ---


def test_a_file_of_the_folder_is_sent_safely() -> None:
    key = store_icon("a" * 24)
    url = signed_url(key)
    answer = Client().get(url)
    assert answer.status_code == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == f'inline; filename="{key.rpartition("/")[2]}"'
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert not answer.cookies
    assert answer.getvalue() == read_image(image_upload()).content
    assert Client().post(url).status_code == 405
    assert Client().head(url).status_code == 200


def test_the_cache_may_keep_a_file_as_long_as_its_url_lives() -> None:
    key = store_icon("a" * 24)
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        url = signed_url(key)
        assert Client().get(url).headers["Cache-Control"] == "private, max-age=3600, immutable"
        clock.shift(3599)
        assert Client().get(url).headers["Cache-Control"] == "private, max-age=1, immutable"
        clock.shift(1)
        assert Client().get(url).status_code == 403


def test_a_signed_url_of_a_file_that_is_gone_is_404() -> None:
    assert Client().get(signed_url(KEY)).status_code == 404


@pytest.mark.parametrize(
    "query",
    ["", "expires=&signature=", "expires=9999999999", "expires=x&signature=y", "signature=%ff"],
)
def test_without_a_good_signature_nothing_is_told(query: str) -> None:
    key = store_icon("a" * 24)
    for path in (key, KEY, "x", f"{key}/../{key}"):
        assert Client().get(f"/icons/{path}?{query}").status_code == 403


def test_a_signature_for_one_moment_is_none_for_a_later_one() -> None:
    key = store_icon("a" * 24)
    url = signed_url(key)
    expires = parse_qs(urlsplit(url).query)["expires"][0]
    later = url.replace(expires, str(int(expires) + 1))
    assert Client().get(later).status_code == 403


def test_the_folders_door_is_shut_when_a_bucket_is_used(r2: S3IconStorage) -> None:
    assert Client().get(f"/icons/{KEY}?expires=9999999999&signature=x").status_code == 404


def test_a_folder_is_no_object() -> None:
    storage, key = icon_storage(), store_icon("a" * 24)
    assert storage.exists(key)
    assert not storage.exists(key.rpartition("/")[0])


def test_deleting_what_is_gone_is_no_error(storage: IconStorage) -> None:
    storage.delete(KEY)
    assert not storage.exists(KEY)
