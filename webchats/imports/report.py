"""The report of an import, and the file of rejected rows."""

import hashlib
import json
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final, TypedDict

from django.db import DatabaseError
from django.utils import timezone

from organizations.models import Organization, User
from webchats.imports.columns import REJECT_COLUMNS
from webchats.imports.formats import FORMATS
from webchats.imports.options import ImportOptions, ImportSource
from webchats.imports.rows import ImportProblem, ImportRow
from webchats.models.imports import ImportedRows, ImportRecord, ImportStatus

logger = logging.getLogger(__name__)

#: What an import does with a row: the numbers of a report and a record.
OUTCOMES: Final = ("created", "updated", "unchanged", "rejected")
#: Maximum number of problems in a report. It counts all; observers receive all.
MAX_PROBLEMS: Final = 1_000
#: Maximum size of rejected rows in memory, in characters. More are stored on disk.
_IN_MEMORY: Final = 1 << 20


class ProblemDocument(TypedDict):
    """A problem as JSON."""

    line: int | None
    field: str
    message: str


class ReportDocument(TypedDict):
    """A report as JSON."""

    status: str
    created: int
    updated: int
    unchanged: int
    rejected: int
    problemCount: int
    problems: list[ProblemDocument]


@dataclass(slots=True)
class ImportReport:
    """The result of an import: numbers of rows, and the first problems.

    A dry run without errors has the numbers of the import. An import that writes nothing because of
    errors has created and updated nothing. ``rows`` is the number of rows that were read.
    """

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    status: ImportStatus = ImportStatus.RUNNING
    problems: list[ImportProblem] = field(default_factory=list)
    problem_count: int = 0

    @property
    def is_good(self) -> bool:
        """Whether the import, or the dry run, succeeded."""
        return self.status in (ImportStatus.COMPLETED, ImportStatus.CHECKED)

    def add(self, problem: ImportProblem) -> None:
        """Count a problem, and list it among the first ones."""
        self.problem_count += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)

    @property
    def summary(self) -> str:
        """The result as a message."""
        rest = f"{self.unchanged:,} unchanged, {self.rejected:,} invalid."
        match self.status:
            case ImportStatus.COMPLETED | ImportStatus.CHECKED if not self.rows:
                return "Nothing was imported. The file has no rows."
            case ImportStatus.COMPLETED:
                return f"Imported: {self.created:,} created, {self.updated:,} updated, {rest}"
            case ImportStatus.CHECKED:
                return (
                    "Dry run, nothing was imported: "
                    f"{self.created:,} to create, {self.updated:,} to update, {rest}"
                )
            case ImportStatus.REFUSED if self.rejected:
                rows = "row" if self.rows == 1 else "rows"
                have = "has" if self.rejected == 1 else "have"
                return (
                    "Nothing was imported. "
                    f"{self.rejected:,} of {self.rows:,} {rows} {have} errors."
                )
            case ImportStatus.REFUSED:
                return "Nothing was imported. The file has errors."
            case ImportStatus.INTERRUPTED:
                return "Interrupted. Nothing was imported."
        return "The import is running."

    def finish(self, record: ImportRecord, status: ImportStatus) -> None:
        """Set the status, and save the result in ``record``."""
        self.status = record.status = status
        if not self.is_good:
            self.created = self.updated = 0
        record.finished_at = timezone.now()
        for outcome in OUTCOMES:
            setattr(record, outcome, getattr(self, outcome))
        record.save(update_fields=["status", "finished_at", *OUTCOMES, "updated_at"])

    def finish_failed(self, record: ImportRecord) -> None:
        """Save the record of an import that failed for a reason outside the file."""
        logger.error("Import %s failed, nothing was written", record.pk)
        try:
            self.finish(record, ImportStatus.INTERRUPTED)
        except DatabaseError as error:
            # The record keeps its status, as after a power failure.
            logger.warning("Import %s is still recorded as running: %s", record.pk, error)

    def as_document(self) -> ReportDocument:
        """Return the report as the API sends it."""
        return {
            "status": str(self.status),
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected": self.rejected,
            "problemCount": self.problem_count,
            "problems": [
                {"line": problem.line, "field": problem.field, "message": problem.reason}
                for problem in self.problems
            ],
        }


def start_record(
    source: ImportSource,
    organization: Organization,
    user: User,
    options: ImportOptions,
    resource: ImportedRows,
) -> ImportRecord:
    """Return a stored record of an import that runs."""
    source.file.seek(0)
    digest = hashlib.sha256()
    while chunk := source.file.read(1 << 20):
        digest.update(chunk)
    return ImportRecord.objects.create(
        organization=organization,
        user=user,
        # A file name that is not valid Unicode contains surrogates.
        file_name=source.name.encode(errors="replace").decode()[:255],
        sha256=digest.hexdigest(),
        update_existing=options.update,
        skip_invalid=options.skip_invalid,
        resource=resource,
    )


class Rejects:
    """The rejected rows of an import, with two additional columns: line and errors.

    A temporary file stores the rows, because the columns of JSON rows are known only at the end.
    Close it after use.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed by ``close``
            max_size=_IN_MEMORY, mode="w+", encoding="utf-8", errors="surrogatepass"
        )
        self._columns: dict[str, None] = {}

    def close(self) -> None:
        """Delete the temporary file."""
        self._file.close()

    def add_columns(self, header: list[str] | None) -> None:
        """Add the columns of the file's header, in its order."""
        self._columns |= dict.fromkeys(header or ())

    def add(self, row: ImportRow) -> None:
        """Add the row's cells and problems."""
        line, errors = REJECT_COLUMNS
        reasons = [
            f"{problem.field}: {problem.reason}" if problem.field else problem.reason
            for problem in row.problems
        ]
        self._columns |= dict.fromkeys(row.cells)
        cells = {**row.cells, line: row.line, errors: " ".join(reasons)}
        json.dump(cells, self._file, separators=(",", ":"), default=str)
        self._file.write("\n")

    def write_to(self, file: BinaryIO, format_name: str) -> None:
        """Write the rows to a file that can be corrected and imported."""
        columns = [*(name for name in self._columns if name not in REJECT_COLUMNS), *REJECT_COLUMNS]
        self._file.seek(0)
        file.writelines(FORMATS[format_name].write(columns, self._rows(columns)))

    def _rows(self, columns: list[str]) -> Iterator[list[object]]:
        for line in self._file:
            cells = json.loads(line)
            yield [cells.get(name, ...) for name in columns]
