"""A real browser, the live service, and customers' sites at other origins.

Every host name leads to this machine, so that look-alikes of a customer's host can be visited.
A machine without Chromium skips these tests; with ``CI=true`` that is a failure.
"""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from webchats.models import Webchat

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    "--host-resolver-rules=MAP * 127.0.0.1",
]

#: Texts that break out of markup, scripts, bidirectional runs, code units and layouts.
HOSTILE = [
    "</script><script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "\u202eevil \u2066text\u2069 {{ 7*7 }} ${7*7}",
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 \U00020bb7",
    "w" * 1000,
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    if not CHROMIUM.exists():
        missing = f"{CHROMIUM} is not installed (apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with pytest.MonkeyPatch.context() as environment:
        # The browser's driver keeps an event loop in this thread, where Django then refuses to
        # use the database. Nothing here is asynchronous.
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            yield chromium
            chromium.close()


@dataclass
class CustomerSites:
    """Answers for every host: a page by its path, whatever the host."""

    port: int
    pages: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)

    def serve(
        self, html: str, *, host: str = "shop.example.com", headers: dict[str, str] | None = None
    ) -> str:
        """Serve ``html`` as a page of ``host`` and return its address."""
        path = f"/{len(self.pages)}"
        self.pages[path] = (html, headers or {})
        return f"http://{host}:{self.port}{path}"


@pytest.fixture
def sites() -> Iterator[CustomerSites]:
    """The web servers of customers."""
    served: dict[str, tuple[str, dict[str, str]]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            html, headers = served.get(self.path, ("", {}))
            body = html.encode()
            self.send_response(200 if self.path in served else 204)  # its icon
            for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield CustomerSites(server.server_port, served)
        server.shutdown()
        thread.join()


@dataclass
class Visit:
    """A visitor on a page, and what the browser noticed."""

    page: Page
    console: list[str]
    requests: list[str]

    @property
    def launcher(self) -> Locator:
        """The widget's button."""
        return self.page.get_by_role("button", name="Chat: ")

    @property
    def dialog(self) -> Locator:
        """The widget's panel."""
        return self.page.locator("webchat-widget dialog")

    @property
    def frame(self) -> Any:
        """The page inside the iframe."""
        return self.page.frame_locator("webchat-widget iframe")

    def open(self) -> None:
        """Open the widget and wait until it has taken the focus."""
        self.launcher.click()
        self.wait_for_focus()

    def wait_for_focus(self) -> None:
        """Wait until the frame has answered the loader."""
        self.frame.locator("#log:focus").wait_for()

    def focused(self) -> str:
        """The name of the focused element in the page, or in the widget."""
        name: str = self.page.evaluate(
            "(document.activeElement.shadowRoot?.activeElement ?? document.activeElement).localName"
        )
        return name


Visitor = Callable[..., Visit]


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    """``visitor(url, **context_options)`` is a new visitor, with nothing stored, on a page."""
    contexts = []

    def go(url: str, **options: Any) -> Visit:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        visit = Visit(page, [], [])
        page.on("console", lambda message: visit.console.append(message.text))
        page.on("pageerror", lambda error: visit.console.append(f"uncaught: {error}"))
        page.on("request", lambda request: visit.requests.append(request.url))
        page.goto(url)
        return visit

    yield go
    for context in contexts:
        context.close()


@pytest.fixture
def snippet(live_server: Any) -> Callable[..., str]:
    """What a customer pastes."""

    def text(webchat: Webchat, attributes: str = "async") -> str:
        source = f"{live_server.url}/embed.js"
        return f'<script src="{source}" data-webchat="{webchat.pk}" {attributes}></script>'

    return text


@pytest.fixture
def customer_page(snippet: Callable[..., str]) -> Callable[..., str]:
    """A customer's page with the widgets of the webchats given."""

    def html(*webchats: Webchat, more: str = "", attributes: str = "") -> str:
        scripts = "".join(snippet(webchat) for webchat in webchats)
        return (
            f'<!DOCTYPE html><html lang="en" {attributes}><head><title>Shop</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"{scripts}</head><body><main><h1>Shop</h1><p>Hats.</p>{more}</main></body></html>"
        )

    return html
