"""The widget in a visitor's browser, and the preview in the admin site."""

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

from tests.benchmarks import responses
from tests.benchmarks.browser import (
    CHROMIUM,
    Traffic,
    chromium,
    customer_pages,
)
from tests.benchmarks.harness import Data, Harness
from tests.benchmarks.load import HOST
from tests.benchmarks.page_times import Chromium, unobserved_chromium
from tests.benchmarks.results import Figure, Result, Target
from tests.benchmarks.servers import SERVICE, Server

#: The target for the time of the loader as a multiple of a script that only sends its request.
LOADER_TARGET = 2.5
#: The factor by which Chromium throttles the CPU.
SLOWDOWN = 4
LOADER = "loader: scripts"
MINIMAL = "a script that only requests the configuration"
#: Seconds.
TIMEOUT = 60
PAGE = (
    '<!DOCTYPE html><html lang="en"><head><title>Shop</title>{script}</head>'
    "<body><main><h1>Shop</h1><p>Hats.</p></main></body></html>"
)
#: A loader that only requests the configuration.
MINIMAL_LOADER = (
    'fetch("http://%s:%s/widget/%s/config", {credentials: "omit"})'
    ".then((response) => response.json())"
)
RECORD_CLICK = """
addEventListener("click", (event) => {
  window.clickedAt = performance.timeOrigin + event.timeStamp;
}, true)
"""
FIRST_PAINT = (
    "performance.getEntriesByName('first-contentful-paint')"
    ".map((paint) => performance.timeOrigin + paint.startTime)[0] ?? 0"
)


def widget(harness: Harness) -> Result:
    """Measure the loader's main-thread time, the time to open the panel, and the preview."""
    if not CHROMIUM.exists():
        return Result(notes=[f"Not run: {CHROMIUM} is not installed."])
    data, figures = harness.data(), dict[tuple[str, str], list[float]]()
    with (
        _served(harness, data) as (server, row),
        chromium() as browser,
        unobserved_chromium() as unobserved,
        customer_pages(_pages(server, row)) as port,
    ):
        site = f"http://www.{row['origin'].removeprefix('https://').split('.')[0]}.example:{port}"
        for number in range(harness.rounds):
            for slowdown in (1, SLOWDOWN):
                progress = f"round {number + 1} of {harness.rounds}: {slowdown} x slower"
                harness.progress(progress)
                visit = _visit(browser, server, site, slowdown) | _load(unobserved, site, slowdown)
                for name, value in visit.items():
                    figures.setdefault(name, []).append(value)
        harness.progress("the preview")
        for slowdown in (1, SLOWDOWN):
            title = (
                f"preview: from a typed color to the rendered preview, {slowdown} x slower",
                "ms",
            )
            figures[title] = _preview(browser, server, data, row, slowdown, harness.rounds)
    result = Result([Figure(name, unit, values) for (name, unit), values in figures.items()])
    for slowdown in (1, SLOWDOWN):
        loader, minimal = (
            Figure(name, "ms", figures[name, "ms"])
            for name in (f"{LOADER}, {slowdown} x slower", f"{MINIMAL}, {slowdown} x slower")
        )
        claim = f"{loader.name} over {MINIMAL}"
        result.targets.append(Target(claim, loader.over(minimal), at_most=LOADER_TARGET))
    result.notes += [
        "Main-thread times are CPU times. kB are bytes on the wire, headers included.",
        "The preview waits 250 ms after the last key before it sends a request.",
    ]
    return result


@contextmanager
def _served(harness: Harness, data: Data) -> Iterator[tuple[Server, dict[str, Any]]]:
    """Run the service with static files; yield the server and a webchat whose icon is stored."""
    with tempfile.TemporaryDirectory(prefix="webchats-") as folder:
        static, icons = f"{folder}/static", Path(folder, "icons")
        harness.progress("collect static files")
        harness.python(
            data.url, "manage.py", "collectstatic", "--noinput", "-v0", STATIC_ROOT=static
        )
        server = harness.server(SERVICE, data, STATIC_ROOT=static, ICONS_ROOT=str(icons))
        row = next(row for row in data.webchats if row["is_enabled"])
        config = f"/widget/{row['id']}/config"
        response = responses.fetch(server, [config], headers={"Origin": row["origin"]})[config]
        url = urlsplit(json.loads(response.body)["icon"])
        icon = icons / url.path.removeprefix("/icons/")
        icon.parent.mkdir(parents=True)
        Image.new("RGB", (64, 64), "#0A7F3F").save(icon)
        yield server, row


def _pages(server: Server, row: dict[str, Any]) -> dict[str, str]:
    """Return a customer's page by path: with the widget, with a minimal loader, with neither."""
    source = f"http://{HOST}:{server.port}/embed.js"
    script = f'<script src="{source}" data-webchat="{row["id"]}" async></script>'
    minimal = f"<script>{MINIMAL_LOADER % (HOST, server.port, row['id'])}</script>"
    scripts = {"/with": script, "/minimal": minimal, "/without": ""}
    return {path: PAGE.format(script=script) for path, script in scripts.items()}


def _visit(
    browser: Browser, server: Server, site: str, slowdown: int
) -> dict[tuple[str, str], float]:
    """Load the page as a new visitor and open the widget; return figures by title and unit."""
    with _visitor(browser, slowdown) as (page, session):
        traffic = Traffic(f"http://{HOST}:{server.port}")
        traffic.record(session)
        page.goto(f"{site}/with")
        page.wait_for_load_state("networkidle")
        before = {
            ("before the first opening (with the icon)", "requests"): float(len(traffic.sizes))
        }
        before["before the first opening (with the icon)", "kB"] = traffic.kilobytes
        opened = _open(page)
        page.wait_for_load_state("networkidle")
        after = {("in total, once opened", "requests"): float(len(traffic.sizes))}
        after["in total, once opened", "kB"] = traffic.kilobytes
    speed = f"{slowdown} x slower"
    return {
        (f"from the click to the frame's first paint, {speed}", "ms"): opened,
        **(before | after if slowdown == 1 else {}),
    }


def _load(browser: Chromium, site: str, slowdown: int) -> dict[tuple[str, str], float]:
    """Load the pages as new visitors, and return main-thread times by title and unit."""
    loaded, minimal, without = (
        browser.measure(f"{site}/{name}", slowdown=slowdown)
        for name in ("with", "minimal", "without")
    )
    speed = f"{slowdown} x slower"
    return {
        (f"{LOADER}, {speed}", "ms"): loaded["script"] - without["script"],
        (f"{MINIMAL}, {speed}", "ms"): minimal["script"] - without["script"],
        (f"loader: all of the main thread, {speed}", "ms"): loaded["all"] - without["all"],
    }


@contextmanager
def _visitor(browser: Browser, slowdown: int) -> Iterator[tuple[Page, Any]]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
    yield page, session
    context.close()


def _open(page: Page) -> float:
    """Click on the launcher and return the milliseconds until the frame's first paint."""
    page.evaluate(RECORD_CLICK)
    page.get_by_role("button", name="Chat: ").click()
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        frame = next((item for item in page.frames if "/widget/" in item.url), None)
        painted: float = frame.evaluate(FIRST_PAINT) if frame else 0
        if painted:
            return painted - float(page.evaluate("window.clickedAt"))
        page.wait_for_timeout(10)
    raise TimeoutError("The widget was not painted.")


def _preview(
    browser: Browser, server: Server, data: Data, row: dict[str, Any], slowdown: int, rounds: int
) -> list[float]:
    """Return the milliseconds from each typed color to the preview that shows it."""
    with _visitor(browser, slowdown) as (page, _):
        page.goto(f"http://{HOST}:{server.port}/admin/login/")
        page.locator("input[name=username]").fill(data.email)
        page.locator("input[name=password]").fill(data.password)
        page.locator("input[name=password]").press("Enter")
        page.wait_for_url("**/admin/")
        page.goto(f"http://{HOST}:{server.port}/admin/webchats/webchat/{row['id']}/change/")
        page.wait_for_load_state("networkidle")
        return [_type(page, (number, 127, 63)) for number in range(16, 16 + rounds)]


def _type(page: Page, color: tuple[int, int, int]) -> float:
    """Type a color and return the milliseconds until the preview shows it."""
    field = page.get_by_label("Primary color").last
    bar = page.frame_locator("#preview-frame iframe:not(.loading)").locator(".bar")
    text, expected = "#{:02X}{:02X}{:02X}".format(*color), "rgb({}, {}, {})".format(*color)
    start = time.perf_counter()
    field.fill(text)
    # Polled from outside, because scripts of the page cannot access the sandboxed frame.
    while _get_background(bar) != expected:
        if time.perf_counter() - start > TIMEOUT:
            raise TimeoutError(f"The preview does not show {text}.")
    return 1000 * (time.perf_counter() - start)


def _get_background(bar: Locator) -> str:
    try:
        color: str = bar.evaluate("bar => getComputedStyle(bar).backgroundColor")
    except Error:
        return ""  # The frame was just replaced by the next one.
    return color
