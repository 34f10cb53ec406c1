"""The cost of a request's log line and metrics: ``python -m tests.benchmarks.request_log``."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webchat_project.settings")
django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.test import RequestFactory  # noqa: E402
from django.urls import resolve  # noqa: E402

from organizations.models import User  # noqa: E402
from webchat_project.observability.request_log import RequestLogMiddleware  # noqa: E402

CALLS = 20_000
ROUNDS = 5


def main() -> None:
    """Print microseconds of CPU time per request, from the best round."""
    handler: Any = logging.getLogger().handlers[0]
    match = resolve("/api/webchats")

    def view(request: HttpRequest) -> HttpResponse:
        request.resolver_match = match
        return HttpResponse(b"x")

    request = RequestFactory().get("/api/webchats")
    request.user = User(pk="0" * 24)
    with Path(os.devnull).open("w") as devnull:
        handler.setStream(devnull)
        bare, logged = (_microseconds(call, request) for call in (view, RequestLogMiddleware(view)))
        settings.METRICS_TOKEN = "on"
        counted = _microseconds(RequestLogMiddleware(view), request)
    print(f"id and line: {logged - bare:.1f} µs per request")
    print(f"metrics: {counted - logged:.1f} µs per request")


def _microseconds(call: Callable[[HttpRequest], Any], request: HttpRequest) -> float:
    rounds = []
    for _ in range(ROUNDS):
        started = process_time()
        for _ in range(CALLS):
            call(request)
        rounds.append((process_time() - started) / CALLS * 1e6)
    return min(rounds)


if __name__ == "__main__":
    main()
