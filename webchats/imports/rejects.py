"""The rows that an import refused, as a file to mend and import again."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

from webchats.imports.columns import REMARKS
from webchats.imports.formats import writers
from webchats.imports.report import Problem
from webchats.imports.row import Row

_IN_MEMORY: Final = 1 << 20


class Rejects:
    """Gathers rejected rows, and writes them with the columns as they came and two behind them:
    the line each stood in, and what is wrong. An import passes over these two."""

    def __init__(self) -> None:
        # Their columns are known only at the end: JSON names them row by row.
        self._spool = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed by ``__exit__``
            max_size=_IN_MEMORY, mode="w+", encoding="utf-8", errors="surrogatepass"
        )
        self._columns: dict[str, None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._spool.close()

    def name_columns(self, header: list[str] | None) -> None:
        """Keep the order of the file's own columns."""
        self._columns |= dict.fromkeys(header or ())

    def add(self, row: Row, problems: Sequence[Problem]) -> None:
        """Keep the row's cells, and why it was refused."""
        why = " ".join(
            f"{problem.field}: {problem.reason}" if problem.field else problem.reason
            for problem in problems
        )
        cells = {**row.cells, "_line": row.line, "_errors": why}
        self._columns |= dict.fromkeys(row.cells)
        json.dump(cells, self._spool, separators=(",", ":"), default=str)
        self._spool.write("\n")

    def write_to(self, file: BinaryIO, format_name: str) -> None:
        """Write what was gathered."""
        columns = [*(name for name in self._columns if name not in REMARKS), *REMARKS]
        absent = ... if format_name in ("json", "ndjson") else None
        self._spool.seek(0)
        file.writelines(writers.write(format_name, columns, self._rows(columns, absent)))

    def _rows(self, columns: list[str], absent: Any) -> Iterator[list[Any]]:
        for line in self._spool:
            cells = json.loads(line)
            yield [cells.get(name, absent) for name in columns]
