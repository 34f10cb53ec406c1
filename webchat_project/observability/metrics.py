"""Prometheus metrics of requests, the database pool and the release.

Processes combine their metrics in the folder ``PROMETHEUS_MULTIPROC_DIR``. Without it, ``/metrics``
has those of one process.
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
REQUESTS = Counter("webchats_http_requests_total", "HTTP requests.", _LABELS)
DURATIONS = Histogram(
    "webchats_http_request_duration_seconds",
    "Time from a request to its response, or to the end of a download.",
    _LABELS,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
POOL = Gauge(
    "webchats_database_pool",
    "Open and idle connections to the database, and requests that wait for one.",
    ["state"],
    multiprocess_mode="livesum",
)
BUILD = Gauge(
    "webchats_build_info",
    "1, with the versions as labels.",
    ["release", "python", "django"],
    multiprocess_mode="livemax",
)

#: Seconds between two readings of the pool.
_POOL_INTERVAL = 5
_POOL_STATES = {
    "open": "pool_size",
    "idle": "pool_available",
    "waiting": "requests_waiting",
}


class _Pool:
    """The database pool of this process."""

    read_at = float("-inf")

    def read(self, *, interval: float = _POOL_INTERVAL) -> None:
        """Set the gauges, unless they were set less than ``interval`` seconds ago."""
        if monotonic() - self.read_at < interval:
            return
        self.read_at = monotonic()
        pool = getattr(connections["default"], "pool", None)
        if pool is not None:
            stats = pool.get_stats()
            for state, name in _POOL_STATES.items():
                POOL.labels(state).set(stats.get(name, 0))


_pool = _Pool()


def count_request(method: str, route: str, status: str, seconds: float) -> None:
    """Count a request. ``status`` is a class such as ``2xx``, or ``refused``.

    ``method`` and ``route`` must not contain text that a client sent.
    """
    requests, durations = _metrics_for(method, route, status)
    requests.inc()
    durations.observe(seconds)
    _pool.read()


@cache
def _metrics_for(*labels: str) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(*labels), DURATIONS.labels(*labels)


def exposition() -> bytes:
    """Return the metrics of all processes in Prometheus' text format."""
    _pool.read(interval=0)
    BUILD.labels(settings.RELEASE, platform.python_version(), django.get_version()).set(1)
    folder = settings.PROMETHEUS_MULTIPROC_DIR
    if not folder:
        return generate_latest(REGISTRY)
    _remove_ended_processes(folder)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)
    return generate_latest(registry)


def _remove_ended_processes(folder: str) -> None:
    """Remove the gauges of processes that have ended. Their counters stay."""
    processes = {int(path.stem.rpartition("_")[2]) for path in Path(folder).glob("gauge_live*.db")}
    for process in processes:
        with suppress(PermissionError):  # a running process of another user
            try:
                os.kill(process, 0)
            except ProcessLookupError:
                mark_process_dead(process, folder)
