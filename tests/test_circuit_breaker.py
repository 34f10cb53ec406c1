"""Circuit breakers: which calls are made, which are skipped, and what is counted."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client import REGISTRY

from webchat_project.circuit_breaker import CircuitBreaker, CircuitOpen


class Dependency:
    """Fails while ``is_down``, and counts its calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.error: Exception | None = TimeoutError("no response")

    def call(self) -> None:
        self.calls += 1
        if self.error:
            raise self.error


@pytest.fixture
def dependency() -> Dependency:
    return Dependency()


@pytest.fixture
def breaker() -> CircuitBreaker:
    return CircuitBreaker("example", TimeoutError, seconds=5)


def outcome(breaker: CircuitBreaker, dependency: Dependency) -> str:
    """Make a call and return ``ok`` or the name of the exception."""
    try:
        with breaker.call():
            dependency.call()
    except (TimeoutError, ValueError, CircuitOpen) as error:
        return type(error).__name__
    return "ok"


def counted(metric: str) -> float:
    name = f"webchats_circuit_breaker_{metric}_total"
    return REGISTRY.get_sample_value(name, {"dependency": "example"}) or 0


def test_calls_are_skipped_after_a_failure(breaker: CircuitBreaker, dependency: Dependency) -> None:
    outcomes = [outcome(breaker, dependency) for _ in range(3)]
    assert outcomes == ["TimeoutError", "CircuitOpen", "CircuitOpen"]
    assert dependency.calls == 1


def test_an_error_of_a_dependency_that_responds_does_not_open(
    breaker: CircuitBreaker, dependency: Dependency
) -> None:
    dependency.error = ValueError("no such key")
    assert [outcome(breaker, dependency) for _ in range(2)] == ["ValueError", "ValueError"]


@pytest.mark.parametrize("error", [None, ValueError("no such key")], ids=["success", "response"])
def test_a_call_is_tried_after_some_seconds_and_a_response_closes(
    breaker: CircuitBreaker,
    dependency: Dependency,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception | None,
) -> None:
    now = 0.0
    monkeypatch.setattr("webchat_project.circuit_breaker.monotonic", lambda: now)
    outcome(breaker, dependency)
    now = 5.1
    assert outcome(breaker, dependency) == "TimeoutError"
    assert outcome(breaker, dependency) == "CircuitOpen"
    now, dependency.error = 10.3, error
    expected = "ValueError" if error else "ok"
    assert [outcome(breaker, dependency) for _ in range(2)] == [expected] * 2
    assert not breaker.is_open


def test_one_thread_tries_again_while_the_others_skip() -> None:
    breaker = CircuitBreaker("example", TimeoutError, seconds=0)
    dependency, released = Dependency(), threading.Event()
    outcome(breaker, dependency)
    breaker.seconds = 60

    def wait() -> str:
        try:
            with breaker.call():
                released.wait(30)
        except CircuitOpen:
            return "skipped"
        return "called"

    with ThreadPoolExecutor(4) as threads:
        futures = [threads.submit(wait) for _ in range(4)]
        while sum(future.done() for future in futures) < 3:
            pass
        released.set()
        assert sorted(future.result() for future in futures) == ["called"] + ["skipped"] * 3


def test_calls_above_the_maximum_are_skipped(dependency: Dependency) -> None:
    dependency.error = None
    breaker = CircuitBreaker("example", TimeoutError, max_calls=1)
    with breaker.call():
        assert outcome(breaker, dependency) == "CircuitOpen"
    assert outcome(breaker, dependency) == "ok"


def test_openings_and_skipped_calls_are_counted_and_logged_once(
    breaker: CircuitBreaker, dependency: Dependency, caplog: pytest.LogCaptureFixture
) -> None:
    opened, skipped = counted("opened"), counted("skipped")
    for _ in range(3):
        outcome(breaker, dependency)
    assert (counted("opened") - opened, counted("skipped") - skipped) == (1, 2)
    assert caplog.messages == [
        "The dependency 'example' does not respond and is skipped: no response"
    ]
