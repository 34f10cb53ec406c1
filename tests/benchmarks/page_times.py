"""Main-thread times of pages in a Chromium that no driver observes.

Playwright subscribes to the events of a page, for which V8 computes a stack for each request. That
takes longer the longer a script is, and as long as the script itself.
"""

import base64
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.benchmarks.browser import ARGUMENTS, CHROMIUM, TRACE_CATEGORIES, sum_events

#: Seconds after the page's ``load`` event until its trace ends.
SETTLE = 0.6
TIMEOUT = 30


class Chromium:
    """A connection to the DevTools protocol of a running browser."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._numbers = socket, count(1)
        self._events: list[dict[str, Any]] = []

    def measure(self, url: str, *, slowdown: int) -> dict[str, float]:
        """Open the page as a new visitor, and return its main thread's milliseconds.

        ``script`` is the time that scripts run, ``all`` includes parsing, layout and painting.
        """
        context = self._send("Target.createBrowserContext")["browserContextId"]
        target = self._send("Target.createTarget", url="about:blank", browserContextId=context)
        attached = self._send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        session = attached["sessionId"]
        self._send("Emulation.setCPUThrottlingRate", session, rate=slowdown)
        self._send("Page.enable", session)
        config = {"includedCategories": TRACE_CATEGORIES, "recordMode": "recordUntilFull"}
        self._send("Tracing.start", traceConfig=config, transferMode="ReturnAsStream")
        self._send("Page.navigate", session, url=url)
        self._wait_for("Page.loadEventFired")
        time.sleep(SETTLE)
        self._send("Tracing.end")
        stream = self._wait_for("Tracing.tracingComplete")["stream"]
        events = json.loads(self._read(stream))["traceEvents"]
        self._send("Target.disposeBrowserContext", browserContextId=context)
        return sum_events(events, url)

    def _read(self, stream: str) -> bytes:
        parts = []
        while True:
            part = self._send("IO.read", handle=stream)
            data = part["data"]
            parts.append(base64.b64decode(data) if part.get("base64Encoded") else data.encode())
            if part["eof"]:
                return b"".join(parts)

    def _send(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        self._socket.send(json.dumps(message | ({"sessionId": session} if session else {})))
        while True:
            answer = json.loads(self._socket.recv(timeout=TIMEOUT))
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer)
                result: dict[str, Any] = answer["result"]
                return result
            self._events.append(answer)

    def _wait_for(self, method: str) -> dict[str, Any]:
        """Return the parameters of the next event of this name."""
        while True:
            waiting, self._events = self._events, []
            for event in waiting or [json.loads(self._socket.recv(timeout=TIMEOUT))]:
                if event.get("method") == method:
                    found: dict[str, Any] = event["params"]
                    return found


@contextmanager
def unobserved_chromium() -> Iterator[Chromium]:
    """Run headless Chromium until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="webchats-") as folder:
        options = ["--headless", "--no-sandbox", "--remote-debugging-port=0"]
        process = subprocess.Popen(
            [str(CHROMIUM), *options, f"--user-data-dir={folder}", *ARGUMENTS, "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            port, path = _wait_for_address(Path(folder, "DevToolsActivePort"))
            with connect(f"ws://127.0.0.1:{port}{path}", max_size=None) as socket:
                yield Chromium(socket)
        finally:
            process.terminate()
            process.wait()


def _wait_for_address(file: Path) -> tuple[str, str]:
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        lines = file.read_text().split() if file.exists() else []
        if len(lines) == 2:
            return lines[0], lines[1]
        time.sleep(0.05)
    raise TimeoutError("Chromium did not start.")
