"""Measurements in Chromium: a page's main-thread time and traffic, on customers' pages."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

#: The browser, or the one without windows.
CHROMIUM = next(
    filter(Path.exists, map(Path, ("/usr/bin/chromium", "/usr/bin/chromium-headless-shell"))),
    Path("/usr/bin/chromium"),
)
ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * 127.0.0.1",
    # A page and its frames share one thread, as on small phones, so that both are slowed down.
    "--disable-features=IsolateOrigins,site-per-process",
    "--disable-site-isolation-trials",
]
#: The categories of events in a trace.
TRACE_CATEGORIES = ["devtools.timeline", "toplevel", "v8"]
#: The events in which the main thread compiles or runs scripts.
SCRIPT_EVENTS = {
    "EvaluateScript",
    "v8.compile",
    "FunctionCall",
    "RunMicrotasks",
    "BlinkScheduler_PerformMicrotaskCheckpoint",
    "TimerFire",
}


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run headless Chromium until the end of the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def customer_pages(pages: dict[str, str]) -> Iterator[int]:
    """Serve HTML by path, for every host name; yield the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path, "").encode()
            self.send_response(200 if body else 204)  # the favicon
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Traffic:
    """The requests of a page to an origin. ``sizes`` are bytes on the wire, by request."""

    origin: str
    sizes: dict[str, int] = field(default_factory=dict)

    def record(self, session: Any) -> None:
        """Record the requests of the page that a CDP session belongs to."""
        session.send("Network.enable")
        session.on("Network.requestWillBeSent", self._sent)
        session.on("Network.loadingFinished", self._finished)

    def _sent(self, event: Any) -> None:
        if event["request"]["url"].startswith(self.origin):
            self.sizes[event["requestId"]] = 0

    def _finished(self, event: Any) -> None:
        if event["requestId"] in self.sizes:
            self.sizes[event["requestId"]] = int(event["encodedDataLength"])

    @property
    def kilobytes(self) -> float:
        """The size of all responses in kB, headers included."""
        return sum(self.sizes.values()) / 1000


def sum_events(events: list[dict[str, Any]], url: str) -> dict[str, float]:
    """Return the milliseconds of a trace in which the main thread worked for a page.

    ``script`` is the time that scripts run, ``all`` includes parsing, layout and painting.
    """
    threads = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "ParseHTML"
        and event.get("args", {}).get("beginData", {}).get("url") == url
    }
    assert len(threads) == 1, f"one thread parses the page, not {threads}"
    own = [
        event
        for event in events
        if (event["pid"], event["tid"]) in threads and event.get("ph") == "X"
    ]
    return {
        "script": _outermost([event for event in own if event["name"] in SCRIPT_EVENTS]),
        "all": _outermost([event for event in own if event["name"].endswith("RunTask")]),
    }


def _outermost(events: list[dict[str, Any]]) -> float:
    """Return the milliseconds of events, without those that are nested in another one.

    CPU time is used if it is recorded, because a busy machine interrupts the thread.
    """
    total, end = 0.0, 0.0
    for event in sorted(events, key=lambda item: (item["ts"], -item.get("dur", 0))):
        if event["ts"] >= end:
            total += event.get("tdur", event.get("dur", 0))
            end = event["ts"] + event.get("dur", 0)
    return total / 1000
