"""The queue of jobs: one row for each, which workers claim with a lease.

A claim increases the job's ``fence``. A worker whose lease has expired may still run, so the
transaction that stores the result of a job calls ``lock_lease``: it raises ``LeaseLost`` if another
worker has claimed the job since. The queue works on PostgreSQL and SQLite, for any number of
workers, whose clocks must be synchronized (NTP).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Min, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from organizations.jobs.slots import share_slots
from organizations.jobs.wakeup import wake_workers
from organizations.models.job import Job

#: Seconds for which a worker holds a job, unless it renews the lease.
LEASE_SECONDS: Final = 15
#: When a worker may claim a job. The index ``job_claimable`` has this expression.
_CLAIMABLE_AT: Final = Coalesce("leased_until", "run_at")
#: As ``_held``, which is too slow to compile twice for each job.
_LEASE_SQL: Final = (
    'SELECT 1 FROM "organizations_job" WHERE "organizations_job"."id" = %s'
    ' AND "organizations_job"."fence" = %s AND "organizations_job"."leased_until" IS NOT NULL'
)


class LeaseLost(Exception):
    """Another worker may run the job, so this one must write nothing more."""


class RetryLater(Exception):
    """Raised by a handler to be called again after ``seconds``."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Retry in {seconds} seconds.")
        self.seconds = seconds


@dataclass(frozen=True)
class ClaimedJob:
    """A job that this worker has claimed."""

    id: str
    kind: str
    key: str
    organization_id: str
    payload: dict[str, Any]
    #: The number of requests at the time of the claim.
    requested: int
    fence: int
    #: The number of claims since the last request, with this one: 1 for the first.
    attempts: int


# --- Requests ---


@transaction.atomic
def enqueue(
    kind: str,
    *,
    key: str,
    organization_id: str,
    payload: Mapping[str, Any] | None = None,
    delay: float = 0.0,
    at_most: float | None = None,
) -> None:
    """Request a job in ``delay`` seconds, and wake workers on commit.

    There is one job for a kind and a key. Another request before a worker claims it postpones it to
    ``delay`` seconds from now, but at most to ``at_most`` seconds after the first request. A
    request while it runs makes it run again afterwards. The last request's payload counts.
    """
    now = timezone.now()
    while not _request_again(kind, key, payload, now, delay, at_most):
        new = Job(
            kind=kind,
            key=key,
            organization_id=organization_id,
            payload=dict(payload or {}),
            run_at=_due_at(now, now, delay, at_most),
            first_requested_at=now,
        )
        try:
            with transaction.atomic():
                new.save(force_insert=True)
        except IntegrityError:
            # Another transaction has just inserted the job. Any other violation stays.
            if not Job.objects.filter(kind=kind, key=key).exists():
                raise
        else:
            break
    transaction.on_commit(wake_workers)


def _request_again(
    kind: str,
    key: str,
    payload: Mapping[str, Any] | None,
    now: datetime,
    delay: float,
    at_most: float | None,
) -> bool:
    """Update the job. Return whether there is one."""
    job = _locked(Job.objects.filter(kind=kind, key=key)).first()
    if job is None:
        return False
    job.first_requested_at = job.first_requested_at or now
    job.run_at = _due_at(now, job.first_requested_at, delay, at_most)
    job.payload = dict(payload or {})
    job.requested += 1
    if job.leased_until is None:
        job.attempts = 0
    job.save()
    return True


def _due_at(now: datetime, first: datetime, delay: float, at_most: float | None) -> datetime:
    due_at = now + timedelta(seconds=delay)
    return due_at if at_most is None else min(due_at, first + timedelta(seconds=at_most))


# --- Claims ---


def claim(
    kinds: Collection[str], limit: int = 1, held: Mapping[str, int] | None = None
) -> list[ClaimedJob]:
    """Lease up to ``limit`` due jobs of these kinds, and return them, oldest first.

    With ``held``, the number of jobs that the worker runs by organization, ``limit`` is the number
    of its free slots, which organizations share as in ``organizations.jobs.slots``.
    """
    now = timezone.now()
    jobs = Job.objects.filter(kind__in=kinds).alias(claimable_at=_CLAIMABLE_AT)
    # FOR UPDATE, which waits for the key share lock of ``lock_lease``: such a job is skipped.
    due = jobs.filter(claimable_at__lte=now).select_for_update(skip_locked=True)
    due = due.order_by("claimable_at", "id")
    with transaction.atomic():
        claimed = list(due[:limit]) if held is None else share_slots(due, limit, held)
        changes = {name: F(name) + 1 for name in ("fence", "attempts")}
        leased_until = now + timedelta(seconds=LEASE_SECONDS)
        Job.objects.filter(pk__in=[job.pk for job in claimed]).update(
            leased_until=leased_until, first_requested_at=None, updated_at=now, **changes
        )
        for job in claimed:
            job.fence, job.attempts = job.fence + 1, job.attempts + 1
    names = [field.name for field in fields(ClaimedJob)]
    return [ClaimedJob(**{name: getattr(job, name) for name in names}) for job in claimed]


def next_due_at(kinds: Collection[str], crowded: Collection[str] = ()) -> datetime | None:
    """Return when the next job of these kinds can be claimed; ``None`` if there is none.

    Jobs of the organizations ``crowded`` do not count.
    """
    jobs = Job.objects.filter(kind__in=kinds).exclude(organization_id__in=crowded)
    due_at: datetime | None = jobs.aggregate(at=Min(_CLAIMABLE_AT))["at"]
    return due_at


def renew(job: ClaimedJob) -> None:
    """Extend the lease. Raise ``LeaseLost`` if another worker has claimed the job."""
    leased_until = timezone.now() + timedelta(seconds=LEASE_SECONDS)
    if not _held(job).update(leased_until=leased_until):
        raise LeaseLost


def lock_lease(job: ClaimedJob) -> None:
    """Let no other worker claim the job until the transaction ends.

    Raise ``LeaseLost`` if one has, or if the job was released or deleted.

    A key share lock: it excludes claims only, so this transaction and one that requests the job can
    lock the rows of jobs and others in any order without a deadlock.
    """
    sql = f"{_LEASE_SQL} FOR KEY SHARE" if connection.features.has_select_for_update else _LEASE_SQL
    with connection.cursor() as cursor:
        cursor.execute(sql, [job.id, job.fence])
        if cursor.fetchone() is None:
            raise LeaseLost


# --- Ends ---


@transaction.atomic
def complete(job: ClaimedJob) -> None:
    """Delete the job, or let it run again if it was requested since the claim.

    Raise ``LeaseLost`` if another worker has claimed it.
    """
    if not _held(job).filter(requested=job.requested).delete()[0]:
        _release(_get_held(job), attempts=0)


@transaction.atomic
def retry(job: ClaimedJob, delay: float, *, has_failed: bool = True) -> None:
    """Let the job run again in ``delay`` seconds, or sooner if it was requested since the claim.

    Only failures count as attempts. Raise ``LeaseLost`` if another worker has claimed the job.
    """
    row = _get_held(job)
    if row.requested == job.requested:
        row.run_at = timezone.now() + timedelta(seconds=delay)
        _release(row, attempts=row.attempts - (not has_failed))
    else:
        _release(row, attempts=0)


@transaction.atomic
def release(job: ClaimedJob) -> None:
    """Let another worker claim the job at once, such as when this one stops.

    Raise ``LeaseLost`` if another worker has claimed it.
    """
    row = _get_held(job)
    _release(row, attempts=row.attempts - 1)


def _release(row: Job, *, attempts: int) -> None:
    """End the lease of a locked row, and wake workers on commit."""
    row.leased_until, row.attempts = None, attempts
    row.save()
    transaction.on_commit(wake_workers)


def _get_held(job: ClaimedJob) -> Job:
    row = _locked(_held(job)).first()
    if row is None:
        raise LeaseLost
    return row


def _held(job: ClaimedJob) -> "QuerySet[Job]":
    is_held = Q(pk=job.id, fence=job.fence, leased_until__isnull=False)
    return Job.objects.filter(is_held).order_by()


def _locked(rows: "QuerySet[Job]") -> "QuerySet[Job]":
    return rows.select_for_update(of=("self",), no_key=True)
