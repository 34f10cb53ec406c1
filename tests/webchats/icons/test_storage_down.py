"""The storage of icons does not answer: what works all the same, and what says so in time."""

import contextlib
import http.server
import socket
import threading
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from organizations.models import User
from tests.support import factories
from tests.support.icons import store_icon
from tests.support.images import image_upload
from webchats.icons.storage import IconStorage, icon_storage
from webchats.models import Webchat

#: Seconds to wait for a connection or an answer.
TIMEOUT = 1
#: There are two tries, with a pause of one second at the most between them; who sends a body waits
#: for leave to do so for a second at the most, each time. The rest is for a machine that has much
#: else to do; without our time-outs the library would wait for minutes.
IN_TIME = 2 * (TIMEOUT + 1) + 1 + 15

pytestmark = pytest.mark.django_db


class Broken:
    """An endpoint and how often it was called."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.calls = 0


@contextlib.contextmanager
def refusing() -> Iterator[Broken]:
    """Nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    yield Broken(port)


@contextlib.contextmanager
def hanging() -> Iterator[Broken]:
    """Takes every connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        broken = Broken(server.getsockname()[1])
        taken: list[socket.socket] = []

        def take() -> None:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(server.accept()[0])
                    broken.calls += 1

        thread = threading.Thread(target=take)
        thread.start()
        yield broken
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in taken:
            connection.close()


@contextlib.contextmanager
def failing() -> Iterator[Broken]:
    """Answers 500 to everything."""
    endpoint = Broken(0)

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            endpoint.calls += 1
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(500)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = answer

        def log_message(self, *arguments: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        endpoint.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield endpoint
        server.shutdown()
        thread.join()


@pytest.fixture(params=[refusing, hanging, failing])
def broken(request: pytest.FixtureRequest, settings: Any) -> Iterator[Broken]:
    """Icons are kept on a server that does not work."""
    with request.param() as endpoint:
        options = {
            "bucket_name": "icons",
            "endpoint_url": endpoint.url,
            "region_name": "auto",
            "access_key": "a",
            "secret_key": "b",
            "timeout": TIMEOUT,
        }
        icon_storage = {"BACKEND": "webchats.icons.s3.S3IconStorage", "OPTIONS": options}
        settings.STORAGES = {**settings.STORAGES, "icons": icon_storage}
        yield endpoint


@pytest.fixture(autouse=True)
def _in_time() -> Iterator[None]:
    start = time.monotonic()
    yield
    # A test has two calls to the storage at the most.
    assert time.monotonic() - start < 2 * IN_TIME


def key_of(user: User, name: str = "a") -> str:
    return f"orgs/{user.organization_id}/webchat/{name}.png"


def with_icon(user: User) -> Webchat:
    webchat: Webchat = factories.WebchatFactory.create(user=user, icon=key_of(user))
    return webchat


def test_reading_listing_and_putting_back_ask_nothing(
    api: Any, admin: User, broken: Broken
) -> None:
    url = f"/api/webchats/{with_icon(admin).pk}"
    document = api(admin).get(url).json()["data"]
    assert document["icon"].startswith(broken.url)
    assert api(admin).get("/api/webchats").json()["data"] == [document]
    assert api(admin).put(url, document).status_code == 200
    assert Webchat.objects.get().icon == key_of(admin)
    assert broken.calls == 0


@pytest.mark.parametrize("how", ["icon", "upload", "key", "new"])
def test_what_needs_the_storage_is_503_in_time_and_changes_nothing(
    api: Any, admin: User, broken: Broken, how: str
) -> None:
    webchat = with_icon(admin)
    url, client = f"/api/webchats/{webchat.pk}", api(admin)
    start = time.monotonic()
    if how == "icon":
        answer = client.put(f"{url}/icon", {"file": image_upload()}, format="multipart")
    elif how == "upload":
        answer = client.post("/api/upload", {"files": [image_upload()]}, format="multipart")
    elif how == "key":
        answer = client.put(url, {"name": "Other", "icon": key_of(admin, "b")})
    else:
        document = {**client.get(url).json()["data"], "icon": key_of(admin, "b")}
        answer = client.post("/api/webchats", document)
    assert time.monotonic() - start < IN_TIME
    assert answer.status_code == 503
    assert answer.json() == {
        "error": "The icon storage is unavailable. Try again in a moment.",
        "code": "unavailable",
    }
    assert int(answer.headers["Retry-After"]) > 0
    row = Webchat.objects.get()
    assert (row.icon, row.name, row.updated_at) == (webchat.icon, webchat.name, webchat.updated_at)


@pytest.mark.parametrize("how", ["delete", "remove"])
def test_a_webchat_and_its_icon_can_be_removed_and_the_sweep_gets_the_object(
    api: Any,
    admin: User,
    s3: IconStorage,
    request: pytest.FixtureRequest,
    django_capture_on_commit_callbacks: Any,
    settings: Any,
    how: str,
) -> None:
    working = settings.STORAGES
    key = store_icon(admin.organization_id)
    webchat = factories.WebchatFactory.create(user=admin, icon=key)
    url = f"/api/webchats/{webchat.pk}"
    with refusing() as endpoint:
        options = {**working["icons"]["OPTIONS"], "endpoint_url": endpoint.url}
        settings.STORAGES = {**working, "icons": {**working["icons"], "OPTIONS": options}}
        with django_capture_on_commit_callbacks(execute=True):
            answer = api(admin).delete(url if how == "delete" else f"{url}/icon")
        assert answer.status_code == 200
    assert not Webchat.objects.exclude(icon="").exists()
    settings.STORAGES = working
    assert icon_storage().exists(key)
    call_command("sweep_icons", "--older-than", "0m", stdout=StringIO())
    assert not icon_storage().exists(key)


def test_deleting_a_webchat_succeeds_in_time(
    api: Any, admin: User, broken: Broken, django_capture_on_commit_callbacks: Any
) -> None:
    url = f"/api/webchats/{with_icon(admin).pk}"
    start = time.monotonic()
    with django_capture_on_commit_callbacks(execute=True):
        assert api(admin).delete(url).status_code == 200
    assert time.monotonic() - start < IN_TIME
    assert not Webchat.objects.exists()


def test_the_sweep_says_so(broken: Broken) -> None:
    with pytest.raises(CommandError, match="does not answer"):
        call_command("sweep_icons", stdout=StringIO())


def test_readiness_names_the_storage_and_asks_it_once(client: Any, broken: Broken) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unavailable",
        "checks": {"database": "ok", "storage": "failed", "cache": "ok", "migrations": "ok"},
    }
    calls = broken.calls
    assert client.get("/readyz").json() == answer.json()
    assert broken.calls == calls


def test_readiness_with_a_storage_that_answers(client: Any, storage: IconStorage) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert set(answer.json()["checks"].values()) == {"ok"}


def test_a_folder_that_cannot_be_used_is_503(
    api: Any, admin: User, client: Any, settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    options = {"location": str(tmp_path / "file" / "icons")}
    icon_storage = {"BACKEND": "webchats.icons.local.SignedFileStorage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "icons": icon_storage}
    webchat = with_icon(admin)
    url = f"/api/webchats/{webchat.pk}"
    for answer in (
        api(admin).put(f"{url}/icon", {"file": image_upload()}, format="multipart"),
        api(admin).patch(url, {"icon": key_of(admin, "b")}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert client.get("/readyz").json()["checks"]["storage"] == "failed"
    assert Webchat.objects.get().icon == key_of(admin)
