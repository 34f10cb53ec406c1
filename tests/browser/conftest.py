"""A real browser, the live service, and customers' sites at other origins.

Chromium resolves every host name to this machine, so that tests can visit hosts whose names
resemble a customer's host. Without Chromium these tests are skipped; with ``CI=true`` they fail.
"""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from shutil import which
from typing import Any, Protocol

import pytest
from django.conf import settings
from playwright.sync_api import Browser, FrameLocator, Locator, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from organizations.models import User
from tests.support import factories
from tests.support.clients import log_in
from webchats.models import Webchat

#: The headless shell draws nothing that a test does not look at, and so needs half of the time.
CHROMIUM = which("chromium-headless-shell") or which("chromium")
ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    "--host-resolver-rules=MAP * 127.0.0.1",
]

PHONE: dict[str, Any] = {
    "viewport": {"width": 320, "height": 568},
    "has_touch": True,
    "is_mobile": True,
}
#: Without animations, so that positions do not change while they are measured.
REDUCED_MOTION: dict[str, Any] = {"reduced_motion": "reduce"}

#: Strings that attack markup, scripts, bidirectional text, UTF-16 code units and layouts.
HOSTILE_STRINGS = {
    "script": "</script><script>document.title='owned'</script>",
    "img": '"><img src=x onerror="document.title=\'owned\'">',
    "bidi": "\u202eevil \u2066text\u2069 {{ 7*7 }} ${7*7}",
    "emoji": "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 \U00020bb7",
    "long": "w" * 1000,
}


# As long as a page's own actions: other tests occupy the processors, too.
expect.set_options(timeout=10_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    if CHROMIUM is None:
        missing = "Chromium is not installed. On Debian: apt-get install chromium-headless-shell"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with pytest.MonkeyPatch.context() as environment:
        # Playwright keeps an event loop running in this thread, in which Django refuses to use
        # the database. The tests themselves are synchronous.
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            yield chromium
            chromium.close()


@dataclass
class CustomerSites:
    """A web server for every host name: a page is found by its path alone."""

    port: int
    pages: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)

    def serve(
        self, html: str, *, host: str = "shop.example.com", headers: dict[str, str] | None = None
    ) -> str:
        """Serve ``html`` as a page of ``host`` and return its URL."""
        path = f"/{len(self.pages)}"
        self.pages[path] = (html, headers or {})
        return f"http://{host}:{self.port}{path}"


@pytest.fixture
def sites() -> Iterator[CustomerSites]:
    """The web server of the customers."""
    pages: dict[str, tuple[str, dict[str, str]]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            html, headers = pages.get(self.path, ("", {}))
            body = html.encode()
            self.send_response(200 if self.path in pages else 204)  # 204: the favicon
            for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield CustomerSites(server.server_port, pages)
        server.shutdown()
        thread.join()


@dataclass
class Visit:
    """A page in a browser context of its own, with its console messages and requests."""

    page: Page
    #: Console messages and uncaught errors, which start with ``uncaught:``.
    console: list[str]
    #: The URLs of requests.
    requests: list[str]

    @property
    def launcher(self) -> Locator:
        """The widget's launcher."""
        return self.page.get_by_role("button", name="Chat: ")

    @property
    def dialog(self) -> Locator:
        """The widget's panel."""
        return self.page.locator("webchat-widget dialog")

    @property
    def frame(self) -> FrameLocator:
        """The page in the widget's iframe."""
        return self.page.frame_locator("webchat-widget iframe")

    def open_widget(self) -> None:
        """Click the launcher and wait until the panel has the focus."""
        self.launcher.click()
        self.wait_for_focus()

    def wait_for_focus(self) -> None:
        """Wait until the handshake with the frame is complete.

        The focus is on the composer, or on a phone on the messages.
        """
        self.frame.locator("#text:focus, #log:focus").wait_for()

    def wait_for_warning(self) -> list[str]:
        """Wait for the loader's warning that it shows no widget, and return its messages."""
        while not (messages := [line for line in self.console if line.startswith("Webchat")]):
            self.page.wait_for_event("console")
        return messages

    @property
    def problems(self) -> list[str]:
        """The console messages about blocked or failed requests, and uncaught errors."""
        signs = ("Content Security Policy", "Failed to load", "uncaught")
        return [line for line in self.console if any(sign in line for sign in signs)]


class Visitor(Protocol):
    """Opens a page in a new browser context; ``options`` are those of ``Browser.new_context``."""

    def __call__(self, url: str, **options: Any) -> Visit: ...


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    """``visitor(url, **options)`` opens a page without stored data."""
    contexts = []

    def open_page(url: str, **options: Any) -> Visit:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        # pytest's live server has no streams.
        context.route(
            "http://localhost:*/live/**",
            lambda route: route.fulfill(body=": no stream\n\n", content_type="text/event-stream"),
        )
        page = context.new_page()
        page.set_default_timeout(10_000)
        visit = Visit(page, [], [])
        page.on("console", lambda message: visit.console.append(message.text))
        page.on("pageerror", lambda error: visit.console.append(f"uncaught: {error}"))
        page.on("request", lambda request: visit.requests.append(request.url))
        page.goto(url)
        return visit

    yield open_page
    for context in contexts:
        context.close()


# --- The admin site ---


@pytest.fixture
def ada(live_server: LiveServer) -> User:
    """An administrator."""
    return factories.UserFactory.create(email="ada@example.com", full_name="Ada")


@pytest.fixture
def admin_page(visitor: Visitor, live_server: LiveServer, ada: User) -> Visitor:
    """``admin_page(path, **options)`` opens a page of the admin site as ``ada``."""
    return authenticated(visitor, live_server, ada)


def authenticated(visitor: Visitor, live_server: LiveServer, user: User) -> Visitor:
    """Return a function that opens a path of the service with a session of ``user``."""
    name = settings.SESSION_COOKIE_NAME
    cookie = {"name": name, "value": log_in(user).cookies[name].value, "url": live_server.url}

    def open_page(url: str, **options: Any) -> Visit:
        visit = visitor("about:blank", **{"viewport": {"width": 1400, "height": 900}, **options})
        visit.page.context.add_cookies([cookie])  # type: ignore[list-item]
        visit.page.goto(live_server.url + url)
        return visit

    return open_page


# --- Customers' pages ---


class Snippet(Protocol):
    """Returns the HTML that embeds a webchat; ``attributes`` are those of the script."""

    def __call__(self, webchat: Webchat, attributes: str = "async") -> str: ...


@pytest.fixture
def snippet(live_server: LiveServer) -> Snippet:
    """``snippet(webchat)`` is the HTML that a customer pastes."""

    def html(webchat: Webchat, attributes: str = "async") -> str:
        source = f"{live_server.url}/embed.js"
        return f'<script src="{source}" data-webchat="{webchat.pk}" {attributes}></script>'

    return html


class CustomerPage(Protocol):
    """Returns the HTML of a page with widgets; ``more`` is HTML of its body."""

    def __call__(self, *webchats: Webchat, more: str = "", attributes: str = "") -> str: ...


@pytest.fixture
def customer_page(snippet: Snippet) -> CustomerPage:
    """``customer_page(webchat)`` is the HTML of a customer's page with the widget."""

    def html(*webchats: Webchat, more: str = "", attributes: str = "") -> str:
        scripts = "".join(snippet(webchat) for webchat in webchats)
        return (
            f'<!DOCTYPE html><html lang="en" {attributes}><head><title>Shop</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"{scripts}</head><body><main><h1>Shop</h1><p>Hats.</p>{more}</main></body></html>"
        )

    return html


class WidgetVisit(Protocol):
    """Opens a customer's page; ``options`` are those of the browser context."""

    def __call__(
        self,
        *webchats: Webchat,
        options: dict[str, Any] | None = None,
        more: str = "",
        attributes: str = "",
    ) -> Visit: ...


@pytest.fixture
def visit_widget(
    sites: CustomerSites, customer_page: Callable[..., str], visitor: Visitor
) -> WidgetVisit:
    """``visit_widget(webchat)`` opens a customer's page with the widget."""

    def open_page(*webchats: Webchat, options: dict[str, Any] | None = None, **page: str) -> Visit:
        return visitor(sites.serve(customer_page(*webchats, **page)), **(options or {}))

    return open_page
