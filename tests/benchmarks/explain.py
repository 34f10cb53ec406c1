"""Print the query plans of requests: ``python -m tests.benchmarks.explain TOKEN PATH…``.

It runs on the database of ``DATABASE_URL``.
"""

import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "webchat_project.settings"
django.setup()

from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from tests.benchmarks.load import HOST  # noqa: E402


def explain(token: str, path: str, explained: set[str]) -> None:
    """Print the queries of a GET request, and the plan of each that is not in ``explained``."""
    client = Client(HTTP_HOST=HOST)
    with CaptureQueriesContext(connection) as captured:
        response = client.get(path, HTTP_AUTHORIZATION=f"Bearer {token}")
    print(f"\nGET {path} → {response.status_code}, {len(captured)} queries")
    for query in captured.captured_queries:
        sql = query["sql"]
        print(f"\n  {sql[:120]} … {sql[-400:]}")
        if sql.startswith("SELECT") and sql not in explained:
            explained.add(sql)
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}")
                print("\n".join(f"    {line}" for (line,) in cursor.fetchall()))


if __name__ == "__main__":
    explained: set[str] = set()
    for path in sys.argv[2:]:
        explain(sys.argv[1], path, explained)
