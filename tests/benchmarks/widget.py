"""The widget in a visitor's browser, and the preview in a member's of the staff."""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, Error, Locator, Page

from tests.benchmarks import asking
from tests.benchmarks.bench import Bench, Data
from tests.benchmarks.browsing import CHROMIUM, Traffic, chromium, customers_pages, traced
from tests.benchmarks.load import HOST
from tests.benchmarks.measure import Aim, Figure, Outcome
from tests.benchmarks.serving import OURS, Server

_LOADER_AIM = 5.0
_SLOWER = 4
_WAIT = 60
_PAGE = (
    '<!DOCTYPE html><html lang="en"><head><title>Shop</title>{script}</head>'
    "<body><main><h1>Shop</h1><p>Hats.</p></main></body></html>"
)
#: A loader cannot do less.
_LEAST = (
    'fetch("http://%s:%s/widget/%s/config", {credentials: "omit"}).then((answer) => answer.json())'
)
_CLICKED = """
addEventListener("click", (event) => {
  window.clickedAt = performance.timeOrigin + event.timeStamp;
}, true)
"""
_PAINTED = (
    "performance.getEntriesByName('first-contentful-paint')"
    ".map((paint) => performance.timeOrigin + paint.startTime)[0] ?? 0"
)


def widget(bench: Bench) -> Outcome:
    """What the widget costs its page, how soon it opens, how soon a colour is seen."""
    if not CHROMIUM.exists():
        return Outcome(notes=[f"Not run: {CHROMIUM} is not installed."])
    data, figures = bench.data(), dict[tuple[str, str], list[float]]()
    with (
        _served(bench, data) as (server, row),
        chromium() as browser,
        customers_pages(_pages(server, row)) as port,
    ):
        site = f"http://www.{row['origin'].removeprefix('https://').split('.')[0]}.example:{port}"
        for number in range(bench.rounds):
            for slower in (1, _SLOWER):
                bench.tell(f"round {number + 1} of {bench.rounds}: the widget, {slower} x slower")
                for name, value in _visit(browser, server, site, slower).items():
                    figures.setdefault(name, []).append(value)
        bench.tell("the preview")
        for slower in (1, _SLOWER):
            title = (f"preview: from a typed colour to its picture, {slower} x slower", "ms")
            figures[title] = _preview(browser, server, data, row, slower, bench.rounds)
    outcome = Outcome([Figure(name, unit, values) for (name, unit), values in figures.items()])
    loader = f"loader: scripts, {_SLOWER} x slower"
    measured = Figure(loader, "ms", figures[loader, "ms"])
    outcome.aims.append(Aim(f"{loader} (ms)", measured, at_most=_LOADER_AIM))
    outcome.notes += [
        "Times of the page's thread are its own CPU time; kB are bytes on the wire with heads.",
        "The preview waits 250 ms after the last key before it asks.",
    ]
    return outcome


@contextmanager
def _served(bench: Bench, data: Data) -> Iterator[tuple[Server, dict[str, Any]]]:
    """The service with its static files, and a webchat whose icon is there."""
    with tempfile.TemporaryDirectory(prefix="webchats-") as folder:
        static, icons = f"{folder}/static", Path(folder, "icons")
        bench.tell("collect static files")
        bench.python(data.url, "manage.py", "collectstatic", "--noinput", "-v0", STATIC_ROOT=static)
        server = bench.server(OURS, data, STATIC_ROOT=static, ICONS_ROOT=str(icons))
        row = next(row for row in data.webchats if row["is_enabled"])
        config = f"/widget/{row['id']}/config"
        answer = asking.answers(server, [config], headers={"Origin": row["origin"]})[config]
        address = urlsplit(json.loads(answer.body)["icon"])
        icon = icons / address.path.removeprefix("/icons/")
        icon.parent.mkdir(parents=True)
        Image.new("RGB", (64, 64), "#0A7F3F").save(icon)
        yield server, row


def _pages(server: Server, row: dict[str, Any]) -> dict[str, str]:
    """A customer's page with the widget, the same without it, and with what any loader does."""
    source = f"http://{HOST}:{server.port}/embed.js"
    script = f'<script src="{source}" data-webchat="{row["id"]}" async></script>'
    least = f"<script>{_LEAST % (HOST, server.port, row['id'])}</script>"
    scripts = {"/with": script, "/least": least, "/without": ""}
    return {path: _PAGE.format(script=script) for path, script in scripts.items()}


def _visit(
    browser: Browser, server: Server, site: str, slower: int
) -> dict[tuple[str, str], float]:
    """A new visitor, with nothing stored, loads the page and opens the widget."""
    with _visitor(browser, slower) as (page, _):
        without = traced(browser, page, f"{site}/without")
    with _visitor(browser, slower) as (page, _):
        least = traced(browser, page, f"{site}/least")
    with _visitor(browser, slower) as (page, session):
        traffic = Traffic(f"http://{HOST}:{server.port}")
        traffic.listen(session)
        loaded = traced(browser, page, f"{site}/with")
        before = {("before the first open (with the icon)", "requests"): float(len(traffic.sizes))}
        before["before the first open (with the icon)", "kB"] = traffic.kilobytes
        opened = _open(page)
        page.wait_for_load_state("networkidle")
        after = {("everything, once opened", "requests"): float(len(traffic.sizes))}
        after["everything, once opened", "kB"] = traffic.kilobytes
    how = f"{slower} x slower"
    return {
        (f"loader: scripts, {how}", "ms"): loaded["script"] - without["script"],
        (f"a script that only asks for the configuration, {how}", "ms"): (
            least["script"] - without["script"]
        ),
        (f"loader: all of the page's thread, {how}", "ms"): loaded["all"] - without["all"],
        (f"from the click to the frame's first paint, {how}", "ms"): opened,
        **(before | after if slower == 1 else {}),
    }


@contextmanager
def _visitor(browser: Browser, slower: int) -> Iterator[tuple[Page, Any]]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    yield page, session
    context.close()


def _open(page: Page) -> float:
    """Milliseconds from the click on the launcher to the frame's first paint."""
    page.evaluate(_CLICKED)
    page.get_by_role("button", name="Chat: ").click()
    deadline = time.monotonic() + _WAIT
    while time.monotonic() < deadline:
        frame = next((one for one in page.frames if "/widget/" in one.url), None)
        painted: float = frame.evaluate(_PAINTED) if frame else 0
        if painted:
            return painted - float(page.evaluate("window.clickedAt"))
        page.wait_for_timeout(10)
    raise TimeoutError("The widget was not painted.")


def _preview(
    browser: Browser, server: Server, data: Data, row: dict[str, Any], slower: int, rounds: int
) -> list[float]:
    """Milliseconds from a typed colour to the picture that has it, again and again."""
    with _visitor(browser, slower) as (page, _):
        page.goto(f"http://{HOST}:{server.port}/admin/login/")
        page.get_by_label("E-mail address").fill(data.email)
        page.get_by_label("Password").fill(data.password)
        page.get_by_role("button", name="Sign in").click()
        page.goto(f"http://{HOST}:{server.port}/admin/webchats/webchat/{row['id']}/change/")
        page.wait_for_load_state("networkidle")
        return [_type(page, (number, 127, 63)) for number in range(16, 16 + rounds)]


def _type(page: Page, color: tuple[int, int, int]) -> float:
    field = page.get_by_label("Primary color").last
    bar = page.frame_locator("#preview-frame iframe:not(.loading)").locator(".bar")
    text, wanted = "#{:02X}{:02X}{:02X}".format(*color), "rgb({}, {}, {})".format(*color)
    start = time.perf_counter()
    field.fill(text)
    # Asked from outside: the picture lies in a sandbox, where no script of the page looks.
    while _background_of(bar) != wanted:
        if time.perf_counter() - start > _WAIT:
            raise TimeoutError(f"The preview does not show {text}.")
    return 1000 * (time.perf_counter() - start)


def _background_of(bar: Locator) -> str:
    try:
        color: str = bar.evaluate("bar => getComputedStyle(bar).backgroundColor")
    except Error:
        return ""  # The picture was just changed for the next one.
    return color
