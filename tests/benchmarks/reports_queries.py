"""The time that the database takes for reports, in the database that ``reports_data`` has filled.

``python -m tests.benchmarks.reports_queries ROUNDS`` prints JSON: by title, the milliseconds and
the number of queries of each round. The time is that of Django's calls of ``execute``: until the
result of a query is in the process. ``--fill NUMBER`` inserts so many conversations before.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

# isort: off
# ``dataset`` sets Django up.
from tests.benchmarks.dataset import EPOCH
from tests.benchmarks.reports_data import fill

from django.db import connection
from organizations.models import Organization
from webchats.conversations.reports import Period, ReportFilter, load_report, load_summary
from webchats.conversations.reports.loading import load_summary_and_days
from webchats.conversations.reports.sources import Sources
# isort: on

DAYS: Final = (30, 365)


def list_actions(organization: Organization) -> dict[str, Callable[[], object]]:
    """Return the measured requests by title."""
    last = datetime.fromtimestamp(EPOCH, UTC).date() + timedelta(days=max(DAYS) - 1)
    actions: dict[str, Callable[[], object]] = {}
    for days in DAYS:
        period = Period(last - timedelta(days=days - 1), last, UTC)
        sources = Sources(organization, period, ReportFilter())
        actions |= {
            f"report of {days} days": partial(load_report, organization, period),
            f"summary of {days} days": partial(load_summary, organization, period),
            f"page with the report of {days} days": partial(_load_page, sources),
            f"count of {days} days": sources.stored.count,
        }
    return actions


def _load_page(sources: Sources) -> None:
    load_report(sources.organization, sources.period)
    load_summary_and_days(sources.organization, sources.period.before, sources.filter)


@contextmanager
def _measuring(durations: list[float]) -> Iterator[None]:
    # Any: the arguments of Django's wrappers.
    def wrap(execute: Callable[..., Any], *arguments: Any) -> Any:
        start = time.perf_counter()
        try:
            return execute(*arguments)
        finally:
            durations.append(1000 * (time.perf_counter() - start))

    with connection.execute_wrapper(wrap):
        yield


def measure(rounds: int) -> dict[str, dict[str, list[float]]]:
    """Return the rounds by title and unit."""
    actions = list_actions(Organization.objects.get(name="Organization 0"))
    results: dict[str, dict[str, list[float]]] = {
        title: {"ms": [], "queries": []} for title in actions
    }
    for action in actions.values():
        action()
    for _ in range(rounds):
        for title, action in actions.items():
            durations: list[float] = []
            with _measuring(durations):
                action()
            results[title]["ms"].append(sum(durations))
            results[title]["queries"].append(len(durations))
    return results


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("rounds", type=int)
    parser.add_argument("--fill", type=int)
    options = parser.parse_args()
    if options.fill:
        fill(options.fill)
    print(json.dumps(measure(options.rounds)))
