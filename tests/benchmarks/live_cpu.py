"""The CPU time of each part of ``live``, which all share the cores of one machine."""

import time
from contextlib import suppress
from typing import Final

import psutil

from tests.benchmarks.live_messages import Sender
from tests.benchmarks.servers import Server

#: The processes that this one or its children started, by the name of their program.
_PROGRAMS: Final = {"postgres": "PostgreSQL", "valkey-server": "Valkey"}


def cpu_seconds(server: Server, sender: Sender) -> dict[str, float]:
    """Return the CPU time so far by part. The sender's is that of its commands."""
    used = dict.fromkeys(_PROGRAMS.values(), 0.0)
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if part := _PROGRAMS.get(process.name()):
                # With the children that have ended, such as the processes of connections.
                used[part] += sum(process.cpu_times()[:4])
    return {
        "server": server.cpu_seconds(),
        "sender": sender.cpu_seconds,
        "clients": time.process_time(),
        **used,
    }


def shares(before: dict[str, float], after: dict[str, float], seconds: float) -> dict[str, float]:
    """Return the share of a core that each part used in ``seconds``, as figures."""
    return {
        f"% of a core, sending: {part}": 100 * (after[part] - before[part]) / seconds
        for part in after
    }
