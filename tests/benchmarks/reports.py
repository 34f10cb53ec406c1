"""The reports of an organization that has half of the conversations of a database.

``python -m tests.benchmarks reports`` fills a database with a million conversations in three
minutes. ``reports_queries`` measures in a process of its own.
"""

import json
from typing import Final

from tests.benchmarks.harness import TEMPLATE_DATABASE, Harness
from tests.benchmarks.results import Figure, Result, Target

CONVERSATIONS: Final = 1_000_000
QUICK_CONVERSATIONS: Final = 20_000
#: Milliseconds of the database, by the days of a report.
TARGETS: Final = {30: 100, 365: 600}
#: The time of a report of a year as a multiple of counting its conversations, by a plain count.
RATIO: Final = 8
#: A short count takes less than the rest of a report that does not grow.
QUICK_RATIO: Final = 22


def reports(harness: Harness) -> Result:
    """Measure the queries of reports."""
    count = QUICK_CONVERSATIONS if harness.quick else CONVERSATIONS
    harness.progress(f"a database with {count:,} conversations")
    # The template is migrated with the first database.
    harness.data()
    url = harness.new_database("reports", TEMPLATE_DATABASE)
    module = "tests.benchmarks.reports_queries"
    output = harness.python(url, "-m", module, str(harness.rounds), "--fill", str(count))
    figures = {
        (title, unit): Figure(title, unit, rounds)
        for title, units in json.loads(output).items()
        for unit, rounds in units.items()
    }
    result = Result(list(figures.values()), notes=["ms: until the database has answered."])
    if not harness.quick:
        for days, limit in TARGETS.items():
            title = f"report of {days} days"
            target = Target(f"{title}: ms", figures[title, "ms"], at_most=limit)
            result.targets.append(target)
    ratio = figures["report of 365 days", "ms"].over(figures["count of 365 days", "ms"])
    limit = QUICK_RATIO if harness.quick else RATIO
    claim = "report of 365 days: times the count"
    result.targets.append(Target(claim, ratio, at_most=limit, bound=1.6 * limit))
    return result
