"""A process that updates and creates webchats; it prints the statuses as JSON.

Usage: concurrent_writer.py SECONDS TOKEN WEBCHAT FIELD BODY, on the database of ``DATABASE_URL``.
"""

import json
import os
import sys
import time
from collections import Counter
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webchat_project.settings")
django.setup()

from django.test import Client  # noqa: E402 - needs the apps


def main(seconds: str, token: str, webchat: str, field: str, body: str) -> None:
    client = Client(headers={"authorization": f"Bearer {token}"}, raise_request_exception=False)
    statuses: Counter[int] = Counter()
    last: Any = None
    number = 0
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        number += 1
        value: Any = number % 200 + 1 if field in ("offsetX", "offsetY", "zIndex") else f"v{number}"
        response = client.put(
            f"/api/webchats/{webchat}", {field: value}, content_type="application/json"
        )
        statuses[response.status_code] += 1
        if response.status_code == 200:
            last = value
        response = client.post("/api/webchats", body, content_type="application/json")
        statuses[response.status_code] += 1
    print(json.dumps({"statuses": statuses, "field": field, "last": last}))


if __name__ == "__main__":
    main(*sys.argv[1:])
