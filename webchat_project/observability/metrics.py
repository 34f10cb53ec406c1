"""What Prometheus is told of requests, of the database's pool and of the release.

Several processes add up in the folder that ``PROMETHEUS_MULTIPROC_DIR`` names; without it each
answers for itself.
"""

import os
import platform
from contextlib import suppress
from functools import cache
from pathlib import Path
from time import monotonic

import django
from django.conf import settings
from django.db import connections
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

_LABELS = ("method", "route", "status")
REQUESTS = Counter("webchats_http_requests_total", "Requests answered.", _LABELS)
DURATIONS = Histogram(
    "webchats_http_request_duration_seconds",
    "Time from a request's head to its answer, of a download to its end.",
    _LABELS,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
POOL = Gauge(
    "webchats_database_pool",
    "Connections to the database that are open and that are idle, and requests that wait for one.",
    ["state"],
    multiprocess_mode="livesum",
)
BUILD = Gauge(
    "webchats_build_info",
    "1, with the versions of what runs.",
    ["release", "python", "django"],
    multiprocess_mode="livemax",
)

#: How old a process's word on its pool may be, in seconds.
_POOL_SECONDS = 5
_pool_states = {
    "open": "pool_size",
    "idle": "pool_available",
    "waiting": "requests_waiting",
}


class _Pool:
    """The pool of this process, looked at now and then."""

    looked_at = float("-inf")

    def look(self, *, least_age: float = _POOL_SECONDS) -> None:
        if monotonic() - self.looked_at < least_age:
            return
        self.looked_at = monotonic()
        pool = getattr(connections["default"], "pool", None)
        if pool is not None:
            said = pool.get_stats()
            for state, name in _pool_states.items():
                POOL.labels(state).set(said.get(name, 0))


_pool = _Pool()


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count one request. The labels are of a bounded number: see ``request_log``."""
    requests, durations = _counted_by(method, route, f"{status // 100}xx")
    requests.inc()
    durations.observe(seconds)
    _pool.look()


@cache
def _counted_by(*labels: str) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(*labels), DURATIONS.labels(*labels)


def exposition() -> bytes:
    """Everything counted so far, by all processes, in Prometheus' text format."""
    _pool.look(least_age=0)
    BUILD.labels(settings.RELEASE, platform.python_version(), django.get_version()).set(1)
    folder = settings.PROMETHEUS_MULTIPROC_DIR
    if not folder:
        return generate_latest(REGISTRY)
    _forget_the_dead(folder)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)
    return generate_latest(registry)


def _forget_the_dead(folder: str) -> None:
    """What a process counted stays when it ends; what it *had*, such as connections, does not."""
    processes = {int(path.stem.rpartition("_")[2]) for path in Path(folder).glob("gauge_live*.db")}
    for process in processes:
        with suppress(PermissionError):  # it is alive, and somebody else's
            try:
                os.kill(process, 0)
            except ProcessLookupError:
                mark_process_dead(process, folder)
