"""Prometheus metrics of jobs. Only workers import this module."""

from collections.abc import Collection
from enum import StrEnum
from typing import Final

from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client import Counter, Gauge

from organizations.models.job import Job


class Outcome(StrEnum):
    """The end of a run of a job."""

    DONE = "done"
    #: The handler requested another call.
    RETRIED = "retried"
    #: The handler raised an exception, and will be called again.
    FAILED = "failed"
    #: The handler raised an exception too often, and the job was deleted.
    GIVEN_UP = "given_up"
    #: The lease expired, so that another worker may run the job.
    LOST = "lost"
    #: The worker stopped.
    RELEASED = "released"


RUNS: Final = Counter("webchats_jobs_total", "Runs of jobs that have ended.", ["kind", "outcome"])
RUNNING: Final = Gauge(
    "webchats_jobs_running",
    "Jobs that workers run.",
    ["kind"],
    multiprocess_mode="livesum",
)
WAITING: Final = Gauge(
    "webchats_jobs_waiting",
    "Jobs that are due and that no worker has claimed.",
    ["kind"],
    multiprocess_mode="livemax",
)
OLDEST: Final = Gauge(
    "webchats_jobs_oldest_seconds",
    "Seconds for which the oldest of these jobs has been due.",
    ["kind"],
    multiprocess_mode="livemax",
)


def initialize(kinds: Collection[str]) -> None:
    """Set all series to zero, so that a rate over a new one is not empty."""
    for kind in kinds:
        RUNNING.labels(kind).set(0)
        for outcome in Outcome:
            RUNS.labels(kind, outcome.value)


def read_queue(kinds: Collection[str]) -> None:
    """Set the gauges of the queue."""
    now = timezone.now()
    due = Job.objects.filter(kind__in=kinds, leased_until=None, run_at__lte=now).order_by()
    rows = due.values("kind").annotate(count=Count("pk"), oldest=Min("run_at"))
    found = {row["kind"]: row for row in rows}
    for kind in kinds:
        row = found.get(kind)
        WAITING.labels(kind).set(row["count"] if row else 0)
        OLDEST.labels(kind).set((now - row["oldest"]).total_seconds() if row else 0)
