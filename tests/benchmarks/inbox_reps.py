"""``python -m tests.benchmarks.inbox_reps [SCENARIO…]``: ten representatives with the inbox open.

The service runs as in ``compose.yaml``, with PostgreSQL, Valkey and Caddy. Ten pages in one
headless Chromium, each of another user and with a conversation open, get 50 messages of visitors
per second. Another process stores these, so that the web processes only answer the pages.

* ``spread``: the messages are in 200 conversations;
* ``open``: all are in the ten conversations that are open;
* ``reconnect``: as ``spread``, and ``live`` is killed and started again in the middle.

One of them types all the time. It prints the figures of each, and fails beyond a limit, or if typed
text or the focus is lost.
"""

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from shutil import which
from typing import Any

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from tests.deployment.conversation_stack import Stack, running_stack
from tests.deployment.service import HOST, ROOT, get, manage

#: The only host to which Chromium sends cookies that are for HTTPS, without HTTPS.
LOCALHOST = "localhost"
REPS = 10
CONVERSATIONS = 200
#: Messages per second, and processes that send them.
RATE, WRITERS = 50, 4
SECONDS = 30
#: The share of one core that the web processes may use.
MAX_CORES = 0.5
#: Parts of the stream that a page may get per second.
MAX_PER_SECOND = 4
SCENARIOS = ("spread", "open", "reconnect")
ARGUMENTS = ["--disable-background-networking", "--host-resolver-rules=MAP * 127.0.0.1"]
#: Records the times of the requests of the page, and of the parts of its stream.
RECORD = """
window.recorded = [];
function record(kind) { recorded.push([Date.now(), kind]); }
const original = window.fetch;
window.fetch = (input, options) => {
  const url = String(input?.url ?? input);
  const method = options?.method ?? input?.method ?? "GET";
  record(`${method} ${url.replace(location.origin, "").replace(/[0-9a-f]{24}/g, "ID")}`);
  return original(input, options);
};
document.addEventListener("inbox:alive", () => record("parts of the stream"));
document.addEventListener("htmx:after:swap", () => record("updates of the page"));
"""
PART, UPDATE = "parts of the stream", "updates of the page"
#: The names of requests in the figures, by a part of method and path.
KINDS = {
    "part=list": "list",
    "/read/": "mark as read",
    "/presence/": "presence",
    "/online/": "presence",
    "/token/": "token",
    "/live/": "stream",
    "/typing/": "typing",
    "/unsent-text/": "unsent text",
    "GET /admin/inbox/": "page",
}


@dataclass
class Usage:
    """CPU seconds by part of the service."""

    seconds: dict[str, float]
    at: float

    @classmethod
    def now(cls, stack: Stack) -> "Usage":
        """Return the CPU time that the parts have used so far."""
        parts = {name: stack.parts[name].process.pid for name in ("web", "live")}
        return cls({name: _cpu_seconds(pid) for name, pid in parts.items()}, time.monotonic())

    def cores_since(self, before: "Usage") -> dict[str, float]:
        """Return the cores that each part has used on average."""
        passed = self.at - before.at
        return {
            name: round((seconds - before.seconds[name]) / passed, 2)
            for name, seconds in self.seconds.items()
        }


def _cpu_seconds(pid: int) -> float:
    process = psutil.Process(pid)
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def run(scenario: str, browser: Browser, seconds: int) -> dict[str, Any]:
    """Start the service, open the pages, send messages, and return the figures."""
    with running_stack(host=LOCALHOST, ALLOWED_HOSTS=f"{HOST},{LOCALHOST}") as stack:
        _add_static_files(stack)
        facts = json.loads(_traffic(stack, "seed", str(REPS), str(CONVERSATIONS)).communicate()[0])
        pages = [
            _open_page(browser, stack.port, cookies, conversation)
            for cookies, conversation in zip(facts["cookies"], facts["conversations"], strict=False)
        ]
        pages[0].wait_for_timeout(5000)
        count = REPS if scenario == "open" else CONVERSATIONS
        arguments = [facts["webchat"], str(count), str(RATE / WRITERS), str(seconds)]
        writers = [_traffic(stack, "send", *arguments) for _ in range(WRITERS)]
        pages[0].wait_for_timeout(3000)
        for page in pages:
            page.evaluate("recorded.length = 0")
        before, started = Usage.now(stack), time.time()
        if scenario == "reconnect":
            pages[0].wait_for_timeout(seconds * 300)
            stack.restart("live", after=1)
            before.seconds["live"] = 0
        typed = _type_while(writers, pages[0])
        cores, passed = Usage.now(stack).cores_since(before), time.time() - started
        recorded = [page.evaluate("recorded") for page in pages]
        text = pages[0].locator(".composer textarea")
        assert text.input_value() == typed, (text.input_value(), typed)
        assert text.evaluate("text => text === document.activeElement")
        sent = [json.loads(writer.communicate()[0]) for writer in writers]
        for page in pages:
            page.context.close()
    rate = sum(each["messages"] / each["seconds"] for each in sent)
    return {"messages per second": round(rate, 1), "cores": cores, **_count(recorded, passed)}


def _type_while(writers: "list[subprocess.Popen[str]]", page: Page) -> str:
    """Type in the composer until the messages have been sent, and return the text."""
    page.locator(".composer textarea").focus()
    typed = ""
    while any(writer.poll() is None for writer in writers):
        letter = "abcdefghij "[len(typed) % 11]
        page.keyboard.type(letter)
        typed += letter
        page.wait_for_timeout(200)
    return typed


def _add_static_files(stack: Stack) -> None:
    """Collect the files that pages need, and restart the web processes, which list them."""
    web = stack.parts["web"]
    manage("collectstatic", "--no-input", "--verbosity=0", **web.env)
    web.stop()
    web.start()
    deadline = time.monotonic() + 60
    while get(stack.port, "/healthz").status != 200:
        assert time.monotonic() < deadline, web.log.read_text()
        time.sleep(0.1)


def _traffic(stack: Stack, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.inbox_traffic", *arguments],
        cwd=ROOT,
        env=stack.parts["web"].env,
        stdout=subprocess.PIPE,
        text=True,
    )


def _open_page(browser: Browser, port: int, cookies: dict[str, str], conversation: str) -> Page:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    for name, value in cookies.items():
        context.add_cookies(
            [{"name": name, "value": value, "domain": LOCALHOST, "path": "/", "secure": True}]
        )
    context.add_init_script(RECORD)
    page = context.new_page()
    page.goto(f"http://{LOCALHOST}:{port}/admin/inbox/{conversation}/?state=open")
    page.locator(".composer").wait_for()
    return page


def _count(recorded: list[list[tuple[int, str]]], seconds: float) -> dict[str, Any]:
    """Return the requests of a page per second: on average, and the most within one second."""
    averages = Counter(_kind(text) for page in recorded for _, text in page)
    requests = [[at for at, text in page if text.startswith(("GET", "POST"))] for page in recorded]
    return {
        "per page and second": {
            kind: round(count / seconds / len(recorded), 2) for kind, count in averages.items()
        },
        "most requests of a page in a second": max(map(_most_in_a_second, requests)),
        "most requests of all pages in a second": _most_in_a_second([*chain(*requests)]),
        "updates while a text was typed": sum(text == UPDATE for _, text in recorded[0]),
    }


def _kind(text: str) -> str:
    return next((kind for part, kind in KINDS.items() if part in text), text)


def _most_in_a_second(times: list[int]) -> int:
    return max((sum(start <= at < start + 1000 for at in times) for start in times), default=0)


def check(figures: dict[str, Any]) -> None:
    """Fail beyond a limit."""
    assert figures["cores"]["web"] < MAX_CORES, figures
    assert figures["per page and second"][PART] <= MAX_PER_SECOND, figures


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Chromium until the end of the block."""
    path = which("chromium-headless-shell") or which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def main() -> None:
    """Run the scenarios and print their figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", nargs="*", choices=[*SCENARIOS, []], default=list(SCENARIOS))
    parser.add_argument("--seconds", type=int, default=SECONDS)
    options = parser.parse_args()
    with chromium() as browser:
        for scenario in options.scenario:
            figures = run(scenario, browser, options.seconds)
            print(f"{scenario}: {json.dumps(figures, indent=1)}", flush=True)
            check(figures)


if __name__ == "__main__":
    main()
