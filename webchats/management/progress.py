"""An import as a person at a terminal, or a log, sees it."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

from webchats.transfer.importer import Listener
from webchats.transfer.readers import Row
from webchats.transfer.rejects import Rejects
from webchats.transfer.report import Problem


class Terminal(Listener):
    """Writes every problem as a line, counts rows on a terminal, and keeps what was rejected."""

    def __init__(self, stream: Any, stopped: Callable[[], bool]) -> None:
        self._stream = stream
        self._stopped = stopped
        self._rejects = Rejects()
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

    def write_rejects(self, path: Path, format_name: str | None) -> None:
        """Write what was rejected; as CSV if the name of the file says no format."""
        with path.open("wb") as file:
            self._rejects.write_to(file, format_name or "csv")
