"""Measure requests for the list of the inbox, in this process.

``python -m tests.benchmarks.inbox_requests`` reads the database of ``DATABASE_URL``, as
``inbox_data`` has filled it, and prints queries and median times. With ``explain`` it also prints
the plans of queries that take over 50 ms. With ``serve`` it reads titles from its input, and prints
a measurement of each as JSON: see ``tests.benchmarks.inbox``.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "webchat_project.settings"
django.setup()

from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from organizations.models import Organization, Stage, User  # noqa: E402
from tests.benchmarks.inbox_texts import OF_ONE_CODE, OF_ONE_MODEL, words  # noqa: E402
from tests.benchmarks.load import HOST  # noqa: E402
from webchats.conversations.inbox.built_in_views import BuiltInView  # noqa: E402
from webchats.conversations.live.updates import VisitorKey, load_update  # noqa: E402
from webchats.conversations.models import Conversation  # noqa: E402
from webchats.models import Webchat  # noqa: E402

ROUNDS: Final = 11
SLOW_SECONDS: Final = 0.05


def query_strings(organization: Organization, middle: Conversation, total: int) -> dict[str, str]:
    """Return the query strings that are measured, by their titles.

    ``total`` is the number of conversations of all organizations.
    """
    webchat = Webchat.objects.filter(organization=organization).order_by("pk")[3].pk
    stage = Stage.objects.filter(pipeline__organization=organization).order_by("pk")[1].pk
    number = int(middle.visitor_id, 16)
    combinations = {
        "webchat": f"webchatId={webchat}",
        "stage": f"stageId={stage}",
        "stage, webchat": f"stageId={stage}&webchatId={webchat}",
        "stage, open": f"stageId={stage}&state=open",
        "stage, waiting": f"stageId={stage}&state=open&handler=waiting",
        "unread": "unread=true",
        "rating": "rating=2",
        "rating, webchat": f"rating=5&webchatId={webchat}",
        "unread, webchat, rep, open": f"state=open&handler=rep&webchatId={webchat}&unread=true",
        "read, webchat, AI, closed": f"state=closed&handler=ai&webchatId={webchat}&unread=false",
        "mine, closed": "state=closed&assigneeId=me",
        "stage, mine, closed": f"state=closed&assigneeId=me&stageId={stage}",
        "drafts, closed": "state=closed&hasDraft=true",
        "date": f"lastMessageTo={middle.last_message_at:%Y-%m-%d}",
        "date, webchat, unread": (
            f"lastMessageTo={middle.last_message_at:%Y-%m-%d}&webchatId={webchat}&unread=true"
        ),
        "no match: handler, rep": "handler=waiting&assigneeId=me",
        "no match: handler, rep, stage": f"handler=waiting&assigneeId=me&stageId={stage}",
        "no match: 5 filters": (
            f"state=closed&handler=waiting&assigneeId=me&webchatId={webchat}&stageId={stage}"
        ),
        "no match: waiting, closed": "state=closed&ordering=waitingSince",
    }
    searches = {
        "a frequent word": "search=order",
        "a word": "search=zipper",
        "a rare word": f"search={words()[-1_000]}",
        "a word in 100 conversations": f"search=m{number % (total // OF_ONE_MODEL):06}",
        "a frequent word and one in 100": f"search=order+m{number % (total // OF_ONE_MODEL):06}",
        "a word that no text has": "search=umbrella",
        "a code in 20 conversations": f"search=k{number % (total // OF_ONE_CODE):06}",
        "an order number": f"search={number:08}",
        "two words": "search=zipper+tent",
        "two frequent words": "search=order+hello",
        "a word and a rare one": f"search=zipper+{words()[-1_000]}",
        "two words, one in no text": "search=tent+umbrella",
        "an address": f"search=visitor{number}@example.com",
        "a part of every address": "search=example.com",
        "a part of a word": "search=ipper",
        "a word, open, webchat": f"search=zipper&state=open&webchatId={webchat}",
        "a frequent word, open, webchat": f"search=order&state=open&webchatId={webchat}",
    }
    return {
        **{f"view {view.label}": view.value for view in BuiltInView},
        **{f"filters {title}": query for title, query in combinations.items()},
        **{f"search {title}": query for title, query in searches.items()},
    }


def actions() -> dict[str, Callable[[], object]]:
    """Return the measured requests by title."""
    organization = Organization.objects.get(name="Organization 0")
    user = User.objects.filter(organization=organization).order_by("pk")[0]
    rows = Conversation.objects.filter(organization=organization)
    middle = rows.order_by("last_message_at")[rows.count() // 2]
    client = Client(HTTP_HOST=HOST)
    client.force_login(user)
    key = VisitorKey(middle.webchat_id or "", middle.visitor_id)

    def get(query: str, path: str = "") -> None:
        response = client.get(f"/admin/inbox/{path}?{query}", headers={"HX-Request": "true"})
        assert response.status_code == 200, response.content

    queries = query_strings(organization, middle, Conversation.objects.count())
    return {
        **{title: lambda query=query: get(query) for title, query in queries.items()},
        "thread": lambda: get(BuiltInView.OPEN, f"{middle.pk}/"),
        "resume of a visitor's stream": lambda: load_update(key, [None]),
    }


def measure(action: Callable[[], object], slow: set[str] | None = None) -> dict[str, float]:
    """Run the action once. Return its queries, its time and the CPU time, by unit.

    The CPU time is that of this process and its server process, which a busy machine disturbs less.
    Slow queries are added to ``slow``.
    """
    cpu, start = _cpu_milliseconds(), time.perf_counter()
    with CaptureQueriesContext(connection) as captured:
        action()
    milliseconds = 1000 * (time.perf_counter() - start)
    cpu = _cpu_milliseconds() - cpu
    queries = captured.captured_queries
    if slow is not None:
        slow |= {row["sql"] for row in queries if float(row["time"]) > SLOW_SECONDS}
    return {"queries": len(queries), "ms": milliseconds, "ms CPU": cpu}


def _cpu_milliseconds() -> float:
    """Return the CPU time of this process, and of its server process on Linux."""
    own = 1000 * time.process_time()
    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    try:
        return own + int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6
    except OSError:
        return own


def serve() -> None:
    """Measure the actions whose titles come from the input."""
    measured = actions()
    for line in sys.stdin:
        title = line.strip()
        result = list(measured) if title == "titles" else measure(measured[title])
        print(json.dumps(result), flush=True)


def main() -> None:
    """Measure each action several times."""
    for title, action in actions().items():
        slow: set[str] = set()
        rounds = [measure(action, slow) for _ in range(ROUNDS)]
        total, cpu = (statistics.median(row[unit] for row in rounds) for unit in ("ms", "ms CPU"))
        figures = f"{total:7.1f} ms, {cpu:6.1f} ms CPU"
        print(f"{title:40} {rounds[-1]['queries']} queries, {figures}", flush=True)
        for sql in slow if "explain" in sys.argv else []:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}")
                print(sql, *(line for (line,) in cursor.fetchall()), sep="\n    ")


if __name__ == "__main__":
    serve() if "serve" in sys.argv else main()
