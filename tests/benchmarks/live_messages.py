"""The process that sends messages for ``live``, as the benchmark sees it."""

import asyncio
import json
import subprocess
import sys
from typing import Self

from tests.benchmarks.servers import ROOT


class Sender:
    """Starts ``tests.benchmarks.live_sender`` at the first command, and stops it at the end."""

    def __init__(self, variables: dict[str, str], *arguments: str) -> None:
        self._variables, self._arguments = variables, arguments
        self._process: subprocess.Popen[str] | None = None
        #: The CPU time of all commands so far.
        self.cpu_seconds = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop()

    async def send(self, command: str) -> dict[str, float]:
        """Return the time of the commit by text."""
        try:
            return await asyncio.to_thread(self._ask, command)
        except asyncio.CancelledError:
            # Its answer would be taken for that of the next command.
            self._stop()
            raise

    def _ask(self, command: str) -> dict[str, float]:
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        print(command, file=process.stdin, flush=True)
        answer = json.loads(process.stdout.readline())
        self.cpu_seconds += answer["cpu"]
        sent: dict[str, float] = answer["sent"]
        return sent

    def _start(self) -> "subprocess.Popen[str]":
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.live_sender", *self._arguments],
            cwd=ROOT,
            env=self._variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self._process

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
