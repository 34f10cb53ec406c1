"""The queue of jobs: requests, leases and fences."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier, Event
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from organizations.jobs import queue, wakeup
from organizations.jobs.queue import ClaimedJob, LeaseLost
from organizations.models import Job, Organization

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
AFTER_LEASE = queue.LEASE_SECONDS + 1


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands still until it is moved."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def enqueue(organization: Organization, key: str = "a", **options: Any) -> None:
    queue.enqueue("test", key=key, organization_id=organization.pk, **options)


def claim(limit: int = 1) -> list[ClaimedJob]:
    return queue.claim(["test", "unused"], limit)


def claim_one() -> ClaimedJob:
    (job,) = claim()
    return job


def seconds_until_due() -> float | None:
    due_at = queue.next_due_at(["test"])
    return None if due_at is None else (due_at - timezone.now()).total_seconds()


@pytest.mark.django_db
def test_claimed_job_has_the_requested_values(organization: Organization) -> None:
    enqueue(organization, payload={"text": "Hello"})
    job = claim_one()
    assert (job.kind, job.key, job.organization_id) == ("test", "a", organization.pk)
    assert (job.payload, job.requested, job.attempts) == ({"text": "Hello"}, 1, 1)
    assert claim() == []


@pytest.mark.django_db
def test_jobs_of_other_kinds_are_not_claimed(organization: Organization) -> None:
    enqueue(organization)
    assert queue.claim(["unused"]) == []
    assert queue.next_due_at(["unused"]) is None


@pytest.mark.django_db
def test_oldest_jobs_are_claimed_first(
    organization: Organization, clock: time_machine.Traveller
) -> None:
    for key in "abc":
        enqueue(organization, key)
        clock.shift(1)
    assert [job.key for job in claim(2)] == ["a", "b"]


@pytest.mark.django_db
def test_organizations_share_the_slots_of_a_worker(organization: Organization) -> None:
    others = [Organization.objects.create(name=f"Shop {number}") for number in range(3)]
    for owner in (organization, *others):
        for number in range(12):
            enqueue(owner, f"{owner.pk} {number}")

    def share(limit: int, held: dict[str, int], count: int = 4) -> list[int]:
        """Return how many jobs of each organization are claimed, which then run again."""
        owners = [organization, *others][:count]
        with transaction.atomic():
            Job.objects.exclude(organization__in=owners).delete()
            jobs = queue.claim(["test"], limit, held)
            transaction.set_rollback(True)
        return [sum(job.organization_id == owner.pk for job in jobs) for owner in owners]

    assert share(12, {}, count=1) == [6]
    # Older jobs of the others do not hide those of the last one.
    assert share(12, {}) == [6, 3, 2, 1]
    assert share(4, {organization.pk: 4}, count=2) == [0, 2]
    assert share(1, {organization.pk: 9, others[0].pk: 1}) == [0, 0, 1, 0]
    assert queue.next_due_at(["test"], [owner.pk for owner in (organization, *others)]) is None


@pytest.mark.django_db
def test_requests_before_the_claim_postpone_the_job_up_to_a_limit(
    organization: Organization, clock: time_machine.Traveller
) -> None:
    due = []
    for _ in range(5):
        enqueue(organization, delay=1.5, at_most=5)
        due.append(seconds_until_due())
        clock.shift(1)
    assert due == [1.5, 1.5, 1.5, 1.5, 1]
    assert claim_one().requested == 5


@pytest.mark.django_db
def test_a_job_is_not_claimed_before_it_is_due(
    organization: Organization, clock: time_machine.Traveller
) -> None:
    enqueue(organization, delay=1.5)
    assert claim() == []
    clock.shift(1.5)
    claim_one()


@pytest.mark.django_db
def test_completed_job_is_deleted(organization: Organization) -> None:
    enqueue(organization)
    queue.complete(claim_one())
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_a_request_while_the_job_runs_makes_it_run_again(
    organization: Organization, clock: time_machine.Traveller
) -> None:
    enqueue(organization)
    job = claim_one()
    clock.shift(10)
    enqueue(organization, delay=1.5, at_most=5, payload={"number": 2})
    assert claim() == []
    queue.complete(job)
    assert seconds_until_due() == 1.5
    clock.shift(1.5)
    again = claim_one()
    assert (again.requested, again.attempts, again.payload) == (2, 1, {"number": 2})


@pytest.mark.django_db
def test_retried_job_waits_and_counts_its_attempts(
    organization: Organization, clock: time_machine.Traveller
) -> None:
    enqueue(organization)
    queue.retry(claim_one(), 4)
    assert seconds_until_due() == 4
    clock.shift(4)
    assert claim_one().attempts == 2


@pytest.mark.django_db
def test_a_request_ends_the_delay_of_a_retry(
    organization: Organization, clock: time_machine.Traveller
) -> None:
    enqueue(organization)
    queue.retry(claim_one(), 60)
    clock.shift(10)
    enqueue(organization, delay=1.5, at_most=5)
    assert seconds_until_due() == 1.5
    clock.shift(1.5)
    assert claim_one().attempts == 1


@pytest.mark.django_db
def test_released_job_can_be_claimed_at_once(organization: Organization) -> None:
    enqueue(organization)
    released = claim_one()
    queue.release(released)
    assert claim_one().attempts == 1
    with pytest.raises(LeaseLost):
        queue.renew(released)


@pytest.mark.django_db
def test_a_job_whose_worker_died_is_claimed_after_its_lease(
    organization: Organization, clock: time_machine.Traveller
) -> None:
    enqueue(organization)
    dead = claim_one()
    assert claim() == []
    assert seconds_until_due() == queue.LEASE_SECONDS
    clock.shift(AFTER_LEASE)
    job = claim_one()
    assert (job.key, job.attempts) == (dead.key, 2)
    assert job.fence > dead.fence


@pytest.mark.django_db
def test_renewed_lease_lasts_longer(
    organization: Organization, clock: time_machine.Traveller
) -> None:
    enqueue(organization)
    job = claim_one()
    clock.shift(queue.LEASE_SECONDS - 1)
    queue.renew(job)
    clock.shift(queue.LEASE_SECONDS - 1)
    assert claim() == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "write",
    [
        queue.renew,
        queue.lock_lease,
        queue.complete,
        queue.release,
        lambda job: queue.retry(job, 1),
    ],
    ids=["renew", "lock_lease", "complete", "release", "retry"],
)
@pytest.mark.parametrize("is_claimed", [True, False], ids=["claimed", "completed"])
def test_a_worker_that_lost_its_lease_can_write_nothing(
    organization: Organization, clock: time_machine.Traveller, write: Any, is_claimed: bool
) -> None:
    enqueue(organization)
    late = claim_one()
    clock.shift(AFTER_LEASE)
    job = claim_one()
    if not is_claimed:
        queue.complete(job)
    with pytest.raises(LeaseLost):
        write(late)
    if is_claimed:
        queue.renew(job)


@pytest.mark.django_db
def test_an_expired_lease_that_nobody_took_still_holds(
    organization: Organization, clock: time_machine.Traveller
) -> None:
    enqueue(organization)
    job = claim_one()
    clock.shift(AFTER_LEASE)
    queue.lock_lease(job)
    queue.complete(job)
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_workers_are_woken_after_the_commit(
    organization: Organization, django_capture_on_commit_callbacks: Any
) -> None:
    wakeups: list[bool] = []
    listener = lambda: wakeups.append(True)  # noqa: E731 - the same object is removed
    wakeup.add_listener(listener)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            enqueue(organization)
            assert wakeups == []
    finally:
        wakeup.remove_listener(listener)
    assert wakeups == [True]


@pytest.mark.django_db(transaction=True)
def test_simultaneous_workers_claim_each_job_once(organization: Organization) -> None:
    for number in range(40):
        enqueue(organization, str(number))
    start = Barrier(4)

    def work() -> list[str]:
        start.wait(10)
        claimed = []
        try:
            while jobs := claim(3):
                claimed += [job.key for job in jobs]
                for job in jobs:
                    queue.complete(job)
        finally:
            connection.close()
        return claimed

    with ThreadPoolExecutor(4) as threads:
        claimed = [
            key for future in [threads.submit(work) for _ in range(4)] for key in future.result()
        ]
    # A claim that finds the next rows locked returns none, so one thread may end early.
    assert len(claimed) == len(set(claimed))
    assert {job.key for job in claim(40)} | set(claimed) == {str(number) for number in range(40)}


@pytest.mark.django_db(transaction=True)
def test_simultaneous_requests_make_one_job(organization: Organization) -> None:
    start = Barrier(4)

    def request(number: int) -> None:
        start.wait(10)
        try:
            enqueue(organization, payload={"number": number})
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(request, range(4)))
    assert claim_one().requested == 4


@pytest.mark.django_db(transaction=True)
def test_a_request_does_not_wait_for_the_final_write(organization: Organization) -> None:
    """Else two transactions that lock a conversation and its job could deadlock."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one lock for all rows.")
    enqueue(organization)
    job = claim_one()
    Job.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    is_locked, may_end = Event(), Event()

    def write() -> None:
        try:
            with transaction.atomic():
                queue.lock_lease(job)
                is_locked.set()
                may_end.wait(10)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(write)
        is_locked.wait(10)
        try:
            enqueue(organization)
            assert claim() == []
        finally:
            may_end.set()
        writing.result()
    assert claim_one().fence == job.fence + 1
