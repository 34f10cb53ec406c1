"""All clients return at once, as after an outage."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from tests.support.streams import LiveServer
from webchats.conversations.live import application, visitor_checks
from webchats.conversations.live.webchats import load_webchat
from webchats.conversations.sessions import issue_ticket, start_session
from webchats.models import Webchat

_SIMULATION = Path(__file__).parents[3] / "benchmarks" / "storm.mjs"


def test_requests_beyond_those_that_are_checked_are_refused_at_once(
    live: LiveServer, webchat: Webchat, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = start_session(webchat, issue_ticket(webchat, "https://shop.example.com")).token
    path, began, may_end = f"/live/widget/{webchat.pk}", Event(), Event()

    def load_slowly(webchat_id: str) -> Webchat | None:
        began.set()
        assert may_end.wait(10)
        return load_webchat(webchat_id)

    monkeypatch.setattr(visitor_checks, "load_webchat", load_slowly)
    monkeypatch.setattr(application, "MAX_OPENING", 1)
    with ThreadPoolExecutor(1) as executor:
        first = executor.submit(live.open, path, token)
        assert began.wait(10)
        second = live.open(path, token)
        may_end.set()
        assert first.result().status == 200
    assert (second.status, second.json["code"]) == (503, "unavailable")
    assert "retry-after" in second.headers
    assert live.open(path, token).status == 200


def test_clients_that_return_at_once_all_get_a_stream_and_hardly_poll() -> None:
    """The clients run the code of the widget, in virtual time."""
    options = ["--clients", "2000", "--rate", "100", "--down", "1"]
    done = subprocess.run(
        ["node", str(_SIMULATION), *options], capture_output=True, text=True, check=True
    )
    figures = json.loads(done.stdout)
    # 20 seconds would be the least. Without refusals they would never get one.
    assert float(figures["all"].split()[0]) < 60
    assert figures["peak of polls per second"] < 100
