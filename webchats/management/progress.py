"""An import as a person at a terminal, or a log, sees it."""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

from webchats.transfer.listener import Listener
from webchats.transfer.rejects import Rejects
from webchats.transfer.report import Problem
from webchats.transfer.row import Row


class Terminal(Listener):
    """Writes every problem as a line, counts rows on a terminal, and keeps what was rejected."""

    def __init__(self, stream: Any, stopped: Callable[[], bool], rejects: Rejects) -> None:
        self._stream = stream
        self._stopped = stopped
        self._rejects = rejects
        # ``disable=None``: no bar where there is no terminal.
        self._bar = tqdm(unit=" rows", disable=None, leave=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()

    def header(self, header: list[str] | None) -> None:
        self._rejects.name_columns(header)

    def problem(self, problem: Problem) -> None:
        self._bar.clear()
        # A name in a file may hold what the terminal or the log cannot show.
        self._stream.write(str(problem).encode("utf-8", "backslashreplace").decode())

    def rejected(self, row: Row, problems: list[Problem]) -> None:
        self._rejects.add(row, problems)

    def progress(self, rows: int) -> None:
        self._bar.update(rows)

    def stopped(self) -> bool:
        return self._stopped()
