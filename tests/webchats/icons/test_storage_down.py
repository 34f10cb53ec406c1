"""An unavailable icon storage: requests succeed without it or fail within seconds."""

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
from webchats.icons.storage import IconStorage, StorageUnavailable, icon_storage
from webchats.models import Webchat

#: The timeout of a connection and of a response, in seconds.
TIMEOUT = 1
#: The maximum duration of a request to the storage, in seconds, with a second of waiting for "100
#: Continue". The rest allows for a busy machine. With its default timeouts botocore would wait for
#: minutes.
MAX_SECONDS = TIMEOUT + 1 + 5

pytestmark = pytest.mark.django_db


class Endpoint:
    """A failing S3 endpoint: its URL, and the number of requests to it."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.calls = 0


@contextlib.contextmanager
def refusing() -> Iterator[Endpoint]:
    """Refuse connections."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    yield Endpoint(port)


@contextlib.contextmanager
def hanging() -> Iterator[Endpoint]:
    """Accept connections and send nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = Endpoint(server.getsockname()[1])
        connections: list[socket.socket] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connections.append(server.accept()[0])
                    endpoint.calls += 1

        thread = threading.Thread(target=accept)
        thread.start()
        yield endpoint
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in connections:
            connection.close()


@contextlib.contextmanager
def failing() -> Iterator[Endpoint]:
    """Respond to every request with 500."""
    endpoint = Endpoint(0)

    class Handler(http.server.BaseHTTPRequestHandler):
        def respond(self) -> None:
            endpoint.calls += 1
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(500)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = respond

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        endpoint.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield endpoint
        server.shutdown()
        thread.join()


@pytest.fixture(params=[refusing, hanging, failing])
def unavailable(request: pytest.FixtureRequest, settings: Any) -> Iterator[Endpoint]:
    """A storage that refuses connections, does not respond, or responds with 500."""
    with request.param() as endpoint:
        use_endpoint(settings, endpoint)
        yield endpoint


def use_endpoint(settings: Any, endpoint: Endpoint) -> None:
    """Use a bucket at the endpoint."""
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


@pytest.fixture(autouse=True)
def _in_time() -> Iterator[None]:
    start = time.monotonic()
    yield
    # A test makes at most two requests to the storage.
    assert time.monotonic() - start < 2 * MAX_SECONDS


def build_key(user: User, name: str = "a") -> str:
    return f"orgs/{user.organization_id}/webchat/{name}.png"


def with_icon(user: User) -> Webchat:
    webchat: Webchat = factories.WebchatFactory.create(user=user, icon=build_key(user))
    return webchat


def test_reads_and_unchanged_icons_make_no_request_to_the_storage(
    api: Any, admin: User, unavailable: Endpoint
) -> None:
    url = f"/api/webchats/{with_icon(admin).pk}"
    document = api(admin).get(url).json()["data"]
    assert document["icon"].startswith(unavailable.url)
    assert api(admin).get("/api/webchats").json()["data"] == [document]
    assert api(admin).put(url, document).status_code == 200
    assert Webchat.objects.get().icon == build_key(admin)
    assert unavailable.calls == 0


@pytest.mark.parametrize("request_", ["upload icon", "upload files", "change icon", "create"])
def test_request_that_needs_the_storage_returns_503_in_time_and_changes_nothing(
    api: Any, admin: User, unavailable: Endpoint, request_: str
) -> None:
    webchat = with_icon(admin)
    url, client = f"/api/webchats/{webchat.pk}", api(admin)
    start = time.monotonic()
    if request_ == "upload icon":
        response = client.put(f"{url}/icon", {"file": image_upload()}, format="multipart")
    elif request_ == "upload files":
        response = client.post("/api/upload", {"files": [image_upload()]}, format="multipart")
    elif request_ == "change icon":
        response = client.put(url, {"name": "Other", "icon": build_key(admin, "b")})
    else:
        document = {**client.get(url).json()["data"], "icon": build_key(admin, "b")}
        response = client.post("/api/webchats", document)
    assert time.monotonic() - start < MAX_SECONDS
    assert response.status_code == 503
    assert response.json() == {
        "error": "The icon storage is unavailable. Try again in a moment.",
        "code": "unavailable",
    }
    assert int(response.headers["Retry-After"]) > 0
    row = Webchat.objects.get()
    assert (row.icon, row.name, row.updated_at) == (webchat.icon, webchat.name, webchat.updated_at)


def test_a_storage_that_hangs_costs_one_timeout_and_is_then_skipped(
    api: Any, admin: User, settings: Any
) -> None:
    with hanging() as endpoint:
        use_endpoint(settings, endpoint)
        url, client = f"/api/webchats/{with_icon(admin).pk}", api(admin)
        start = time.monotonic()
        for _ in range(3):
            assert client.put(url, {"icon": build_key(admin, "b")}).status_code == 503
        duration = time.monotonic() - start
    # The other two uploads did not wait for the storage.
    assert endpoint.calls == 1
    assert duration >= TIMEOUT


def test_a_storage_that_refuses_connections_is_then_skipped(admin: User, settings: Any) -> None:
    with refusing() as endpoint:
        use_endpoint(settings, endpoint)
        with pytest.raises(StorageUnavailable, match="Could not connect"):
            icon_storage().exists(build_key(admin))
        with pytest.raises(StorageUnavailable, match="did not respond before"):
            icon_storage().exists(build_key(admin))


@pytest.mark.parametrize("deleted", ["webchat", "icon"])
def test_a_webchat_or_its_icon_can_be_deleted_and_the_sweep_deletes_the_object(
    api: Any,
    admin: User,
    s3: IconStorage,
    request: pytest.FixtureRequest,
    django_capture_on_commit_callbacks: Any,
    settings: Any,
    deleted: str,
) -> None:
    working = settings.STORAGES
    key = store_icon(admin.organization_id)
    webchat = factories.WebchatFactory.create(user=admin, icon=key)
    url = f"/api/webchats/{webchat.pk}"
    with refusing() as endpoint:
        options = {**working["icons"]["OPTIONS"], "endpoint_url": endpoint.url}
        settings.STORAGES = {**working, "icons": {**working["icons"], "OPTIONS": options}}
        with django_capture_on_commit_callbacks(execute=True):
            response = api(admin).delete(url if deleted == "webchat" else f"{url}/icon")
        assert response.status_code == 200
    assert not Webchat.objects.exclude(icon="").exists()
    settings.STORAGES = working
    assert icon_storage().exists(key)
    call_command("sweep_icons", "--older-than", "0m", stdout=StringIO())
    assert not icon_storage().exists(key)


def test_deleting_a_webchat_succeeds_in_time(
    api: Any, admin: User, unavailable: Endpoint, django_capture_on_commit_callbacks: Any
) -> None:
    url = f"/api/webchats/{with_icon(admin).pk}"
    start = time.monotonic()
    with django_capture_on_commit_callbacks(execute=True):
        assert api(admin).delete(url).status_code == 200
    assert time.monotonic() - start < MAX_SECONDS
    assert not Webchat.objects.exists()


def test_the_sweep_reports_the_failure(unavailable: Endpoint) -> None:
    with pytest.raises(CommandError, match="is unavailable"):
        call_command("sweep_icons", stdout=StringIO())


def test_readiness_names_the_storage_and_checks_it_once(client: Any, unavailable: Endpoint) -> None:
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {
        "status": "unavailable",
        "checks": {"database": "ok", "storage": "failed", "cache": "ok", "migrations": "ok"},
    }
    calls = unavailable.calls
    assert client.get("/readyz").json() == response.json()
    assert unavailable.calls == calls


def test_readiness_is_ok_with_a_storage_that_responds(client: Any, storage: IconStorage) -> None:
    response = client.get("/readyz")
    assert response.status_code == 200
    assert set(response.json()["checks"].values()) == {"ok"}


def test_a_folder_that_is_not_writable_is_reported_as_unavailable(
    api: Any, admin: User, client: Any, settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    options = {"location": str(tmp_path / "file" / "icons")}
    icon_storage = {"BACKEND": "webchats.icons.local.LocalIconStorage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "icons": icon_storage}
    webchat = with_icon(admin)
    url = f"/api/webchats/{webchat.pk}"
    for response in (
        api(admin).put(f"{url}/icon", {"file": image_upload()}, format="multipart"),
        api(admin).patch(url, {"icon": build_key(admin, "b")}),
    ):
        assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert client.get("/readyz").json()["checks"]["storage"] == "failed"
    assert Webchat.objects.get().icon == build_key(admin)
