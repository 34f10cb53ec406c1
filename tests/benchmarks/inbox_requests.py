"""Print the queries and the median time of requests for the list of the inbox, in this process.

``python -m tests.benchmarks.inbox_requests [explain]`` reads the database of ``DATABASE_URL``, as
``inbox_data`` has filled it. With ``explain`` it prints the plans of queries that take over 50 ms.
"""

import os
import statistics
import sys
import time
from typing import Final, NamedTuple

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "webchat_project.settings"
django.setup()

from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from organizations.models import Organization, Stage, User  # noqa: E402
from tests.benchmarks.load import HOST  # noqa: E402
from webchats.conversations.inbox.built_in_views import BuiltInView  # noqa: E402
from webchats.conversations.models import Conversation  # noqa: E402
from webchats.models import Webchat  # noqa: E402

ROUNDS: Final = 11
SLOW_SECONDS: Final = 0.05


def query_strings(organization: Organization) -> dict[str, str]:
    """Return the query strings that are measured, by their titles."""
    webchat = Webchat.objects.filter(organization=organization).order_by("pk")[3].pk
    stage = Stage.objects.filter(pipeline__organization=organization).order_by("pk")[1].pk
    rows = Conversation.objects.filter(organization=organization)
    middle = rows.order_by("last_message_at")[rows.count() // 2]
    number = int(middle.visitor_id, 16)
    return {
        **{view.label: view.value for view in BuiltInView},
        "webchat": f"webchatId={webchat}",
        "stage": f"stageId={stage}",
        "stage and webchat": f"stageId={stage}&webchatId={webchat}",
        "unread": "unread=true",
        "rating": "rating=2",
        "rating, webchat": f"rating=5&webchatId={webchat}",
        "unread, webchat, rep, open": f"state=open&handler=rep&webchatId={webchat}&unread=true",
        "stage, mine, closed": f"state=closed&assigneeId=me&stageId={stage}",
        "date": f"lastMessageTo={middle.last_message_at:%Y-%m-%d}",
        "five filters, no match": (
            f"state=closed&handler=waiting&assigneeId=me&webchatId={webchat}&stageId={stage}"
        ),
        "search, in one message": f"search={2 * number}",
        "search, in one contact": f"search=visitor{number}@example.com",
        "search, in 1 of 1,000": "search=topic77",
        "search, two words": "search=topic77+tent",
        "search, in every message": "search=tent",
        "search, in no message": "search=umbrella",
        "search, open, webchat": f"search=topic77&state=open&webchatId={webchat}",
    }


class Measurement(NamedTuple):
    """A request: its queries, median milliseconds, those in the database, and slow queries."""

    queries: int
    total: float
    database: float
    slow: set[str]


def measure(client: Client, query: str) -> Measurement:
    """Request the list several times."""
    total, database, slow = [], [], set()
    for _ in range(ROUNDS):
        start = time.perf_counter()
        with CaptureQueriesContext(connection) as captured:
            response = client.get(f"/admin/inbox/?{query}", headers={"HX-Request": "true"})
        total.append(1000 * (time.perf_counter() - start))
        assert response.status_code == 200, response.content
        queries = captured.captured_queries
        database.append(1000 * sum(float(row["time"]) for row in queries))
        slow |= {row["sql"] for row in queries if float(row["time"]) > SLOW_SECONDS}
    return Measurement(len(queries), statistics.median(total), statistics.median(database), slow)


def main() -> None:
    """Measure each request."""
    organization = Organization.objects.get(name="Organization 0")
    user = User.objects.filter(organization=organization).order_by("pk")[0]
    client = Client(HTTP_HOST=HOST)
    client.force_login(user)
    for title, query in query_strings(organization).items():
        result = measure(client, query)
        figures = f"{result.total:7.1f} ms, {result.database:6.1f} ms in the database"
        print(f"{title:30} {result.queries} queries, {figures}", flush=True)
        for sql in result.slow if "explain" in sys.argv else []:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}")
                print(sql, *(line for (line,) in cursor.fetchall()), sep="\n    ")


if __name__ == "__main__":
    main()
