"""How much ``live`` measures."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """How much is measured, and the seconds after which a phase is cut."""

    streams: int = 10_000
    opening_seconds: float = 90
    #: One heartbeat of each stream, at least.
    idle_seconds: float = 26
    rate: float = 200
    messages: int = 2_000
    #: Messages of a burst to each stream.
    burst: int = 2
    burst_seconds: float = 30
    aborted: int = 2_000
    cycles: int = 3
