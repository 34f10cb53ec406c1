"""The plans of what the service asks the database: ``python -m tests.benchmarks.explain TOKEN
PATH…``, on the database of ``DATABASE_URL``."""

import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "webchat_project.settings"
django.setup()

from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from tests.benchmarks.load import HOST  # noqa: E402


def plans(token: str, path: str, seen: set[str]) -> None:
    """Ask for the path, and print each query that this took, with its plan when first seen."""
    client = Client(HTTP_HOST=HOST)
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(path, HTTP_AUTHORIZATION=f"Bearer {token}")
    print(f"\nGET {path} → {answer.status_code}, {len(captured)} queries")
    for query in captured.captured_queries:
        print(f"\n  {query['sql'][:120]} … {query['sql'][-400:]}")
        if query["sql"].startswith("SELECT") and query["sql"] not in seen:
            seen.add(query["sql"])
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {query['sql']}")
                print("\n".join(f"    {line}" for (line,) in cursor.fetchall()))


if __name__ == "__main__":
    shown: set[str] = set()
    for asked in sys.argv[2:]:
        plans(sys.argv[1], asked, shown)
