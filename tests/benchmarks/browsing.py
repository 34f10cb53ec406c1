"""A browser to measure in, and customers' pages for it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
_ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * 127.0.0.1",
    # A page and the frames in it share a thread, as on small telephones: slowed down together.
    "--disable-features=IsolateOrigins,site-per-process",
    "--disable-site-isolation-trials",
]
#: What a browser of a customer's visitors is asked to note.
_CATEGORIES = ["devtools.timeline", "toplevel", "v8"]
#: Where the page's own thread runs scripts: compiles, evaluates, calls back.
_SCRIPT = {
    "EvaluateScript",
    "v8.compile",
    "FunctionCall",
    "RunMicrotasks",
    "BlinkScheduler_PerformMicrotaskCheckpoint",
    "TimerFire",
}


@contextmanager
def chromium() -> Iterator[Browser]:
    """Headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def customers_pages(pages: dict[str, str]) -> Iterator[int]:
    """The port of a server that has these pages, by path, for every host."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path, "").encode()
            self.send_response(200 if body else 204)  # the site's own icon
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
    """What a page has fetched from an origin, in bytes as they come over the wire."""

    origin: str
    sizes: dict[str, int] = field(default_factory=dict)

    def listen(self, session: Any) -> None:
        """Note what the page's session tells."""
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
        """All of it, heads included."""
        return sum(self.sizes.values()) / 1000


def traced(browser: Browser, page: Page, url: str) -> dict[str, float]:
    """Milliseconds that a page's thread works until the page is quiet: on scripts, and at all."""
    browser.start_tracing(page=page, categories=_CATEGORIES)
    page.goto(url)
    page.wait_for_load_state("networkidle")
    return _of_main_thread(json.loads(browser.stop_tracing())["traceEvents"], url)


def _of_main_thread(events: list[dict[str, Any]], url: str) -> dict[str, float]:
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
        "script": _outermost([event for event in own if event["name"] in _SCRIPT]),
        "all": _outermost([event for event in own if event["name"].endswith("RunTask")]),
    }


def _outermost(events: list[dict[str, Any]]) -> float:
    """Milliseconds of events, those inside of others not counted twice; of the thread's own time
    where the trace has it, since a busy machine stops the thread now and then."""
    total, end = 0.0, 0.0
    for event in sorted(events, key=lambda one: (one["ts"], -one.get("dur", 0))):
        if event["ts"] >= end:
            total += event.get("tdur", event.get("dur", 0))
            end = event["ts"] + event.get("dur", 0)
    return total / 1000
