"""The requests of one client that run at a time in a process."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from itertools import islice
from threading import Lock, Semaphore
from time import monotonic, sleep
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client, RequestFactory
from prometheus_client import REGISTRY
from pytest_django import Settings

from organizations.models import User
from webchat_project import request_slots
from webchat_project.request_slots import RequestSlotsMiddleware

Responses = list[Future[HttpResponseBase]]


class Process:
    """A process with 8 threads, where a client has two requests at a time.

    The first letter of a credential is the organization. The view returns when ``finish`` has been
    released for it, except for the path ``/api/short``.
    """

    def __init__(self, threads: int = 8) -> None:
        self.threads = ThreadPoolExecutor(threads)
        self.middleware = RequestSlotsMiddleware(self._view)
        self.started, self.finish = Semaphore(0), Semaphore(0)
        self.running = self.most = 0
        self._lock = Lock()

    def _view(self, request: HttpRequest) -> HttpResponse:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        credential = request.COOKIES.get("sessionid") or request.headers.get("Authorization")
        is_member = bool(credential) and credential != "Bearer invalid"
        organization_id = str(credential).removeprefix("Bearer ")[0] * 24
        request.user = User(organization_id=organization_id) if is_member else AnonymousUser()
        if request.path == "/api/short":
            sleep(0.02)
        else:
            self.started.release()
            self.finish.acquire()
        with self._lock:
            self.running -= 1
        if request.path == "/api/error":
            raise ValueError("broken")
        return HttpResponse()

    def send(
        self, credential: str = "", path: str = "/api/long", count: int = 1, **meta: Any
    ) -> Responses:
        """Send requests at once. A path of the admin site has the credential as its session."""
        responses = []
        for _ in range(count):
            request = RequestFactory().get(path, **meta)
            if credential and path.startswith("/admin/"):
                request.COOKIES["sessionid"] = credential
            elif credential:
                request.META["HTTP_AUTHORIZATION"] = f"Bearer {credential}"
            responses.append(self.threads.submit(self.middleware, request))
        return responses

    def learn(self, *credentials: str) -> None:
        """Send a request with each credential, so that its organization is known."""
        for credential in credentials:
            assert statuses(self.send(credential, "/api/short")) == [200]
        self.most = 0

    def wait_until_started(self, count: int) -> None:
        """Return when so many more requests run."""
        for _ in range(count):
            assert self.started.acquire(timeout=5)


def statuses(responses: Responses) -> list[int]:
    return [response.result(timeout=10).status_code for response in responses]


@pytest.fixture
def process(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Process]:
    settings.SERVER_THREADS, settings.REQUESTS_PER_ORGANIZATION = 8, 2
    monkeypatch.setattr(request_slots, "PATIENCE_SECONDS", 0.1)
    process = Process()
    process.learn("a1", "a2", "b1")
    yield process
    process.finish.release(1_000)
    process.threads.shutdown()


def refused_total(client: str) -> float:
    labels = {"client": client}
    return REGISTRY.get_sample_value("webchats_requests_refused_total", labels) or 0


def test_members_of_an_organization_run_few_requests_at_a_time(process: Process) -> None:
    first = [*process.send("a1", count=2), *process.send("a2", count=2)]
    process.wait_until_started(2)
    other = process.send("b1", "/api/short")
    assert statuses(other) == [200]
    assert process.running == 2
    process.finish.release(4)
    assert statuses(first) == [200] * 4


def test_requests_that_last_leave_threads_to_others(process: Process) -> None:
    before = refused_total("organization")
    lasting = process.send("a1", count=6)
    process.wait_until_started(2)
    sleep(0.15)
    # A quarter of the threads is left.
    [refused] = process.send("a2", "/api/long")
    response = refused.result(timeout=1.5)
    assert int(response.headers["Retry-After"]) > 0
    assert isinstance(response, HttpResponse)
    assert response.status_code == 503
    body = orjson.loads(response.content)
    assert (body["code"], "at the same time" in body["error"]) == ("unavailable", True)
    assert refused_total("organization") == before + 1
    assert statuses(process.send("b1", "/api/short", count=3)) == [200] * 3
    process.finish.release(6)
    assert statuses(lasting) == [200] * 6
    assert statuses(process.send("a2", "/api/short")) == [200]


def test_the_admin_site_has_a_page_for_it(process: Process) -> None:
    process.finish.release(1)
    assert statuses(process.send("a1", "/admin/")) == [200]
    process.wait_until_started(1)
    process.send("a1", "/admin/", count=6)
    process.wait_until_started(2)
    sleep(0.15)
    [refused] = process.send("a1", "/admin/")
    response = refused.result(timeout=1.5)
    assert isinstance(response, HttpResponse)
    assert response.status_code == 503
    assert b"<h1>Service unavailable</h1>" in response.content
    assert b"at the same time" in response.content


def test_no_request_waits_for_long(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_slots, "WAIT_SECONDS", 0.1)
    lasting = process.send("a1", count=2)
    process.wait_until_started(2)
    assert statuses(process.send("a1", count=2)) == [503] * 2
    process.finish.release(2)
    assert statuses(lasting) == [200] * 2


def test_requests_wait_for_a_moment_in_the_last_threads(process: Process) -> None:
    lasting = process.send("a1", count=8)
    process.wait_until_started(2)
    started = monotonic()
    assert statuses(process.send("b1", "/api/short")) == [200]
    assert monotonic() - started < 1.8
    # Before the others finish: a request that still waited would run then.
    refused = list(islice(as_completed(lasting, timeout=5), 2))
    assert statuses(refused) == [503] * 2
    process.finish.release(6)
    assert sorted(statuses(lasting)) == [200] * 6 + [503] * 2


@pytest.mark.parametrize("credential", ["", "invalid"])
def test_a_client_without_a_valid_credential_is_an_address(
    process: Process, credential: str
) -> None:
    lasting = process.send(credential, count=6, REMOTE_ADDR="2001:db8::1")
    process.wait_until_started(2)
    sleep(0.15)
    before = refused_total("address")
    assert statuses(process.send("", REMOTE_ADDR="2001:db8::2")) == [503]
    assert refused_total("address") == before + 1
    for address in ("192.0.2.9", "2001:db8:0:1::1"):
        assert statuses(process.send("", "/api/short", REMOTE_ADDR=address)) == [200]
    assert statuses(process.send("a1", "/api/short", REMOTE_ADDR="2001:db8::1")) == [200]
    process.finish.release(6)
    assert statuses(lasting) == [200] * 6


def test_a_made_up_header_does_not_hide_a_session(process: Process) -> None:
    process.finish.release(1)
    process.send("a1", "/admin/")[0].result(timeout=5)
    lasting = process.send("a1", "/admin/", count=2)
    process.wait_until_started(3)
    more = process.send("a1", "/admin/", HTTP_AUTHORIZATION="Bearer made-up", REMOTE_ADDR="::2")
    assert not process.started.acquire(timeout=0.1)
    process.finish.release(3)
    assert statuses([*lasting, *more]) == [200] * 3


def test_an_error_and_a_large_upload_leave_no_slot_occupied(process: Process) -> None:
    process.finish.release(4)
    for failed in process.send("a1", "/api/error", count=4):
        with pytest.raises(ValueError, match="broken"):
            failed.result(timeout=5)
    # Uploads, whose bodies may arrive slowly, have a limit of their own.
    process.wait_until_started(4)
    uploads = process.send("a1", count=3, CONTENT_LENGTH=str(2**21))
    process.wait_until_started(3)
    assert statuses(process.send("a1", "/api/short", count=2)) == [200] * 2
    process.finish.release(3)
    assert statuses(uploads) == [200] * 3


def test_an_office_whose_inboxes_are_updated_at_once_is_not_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other tests may occupy the processors for longer than half a second.
    monkeypatch.setattr(request_slots, "PATIENCE_SECONDS", 5)
    monkeypatch.setattr(request_slots, "WAIT_SECONDS", 10)
    settings.SERVER_THREADS, settings.REQUESTS_PER_ORGANIZATION = 16, 4
    process = Process(threads=16)
    members = [f"a{number}" for number in range(30)]
    process.learn(*members)
    for _ in range(3):
        responses = [process.send(member, "/api/short")[0] for member in members]
        assert statuses(responses) == [200] * 30
        assert process.most <= 4
    # Also before their credentials are known, such as after a restart. One address has them all.
    restarted = Process(threads=16)
    responses = [restarted.send(member, "/api/short")[0] for member in members]
    assert statuses(responses) == [200] * 30
    process.threads.shutdown()
    restarted.threads.shutdown()


def test_health_checks_and_static_files_have_no_limit(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_slots.RequestSlots, "acquire", lambda *_: None)
    assert Client().get("/healthz").status_code == 200
    assert Client().get("/admin/login/").status_code == 503
