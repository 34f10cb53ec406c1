"""The import of a file into an organization's rows of a model: all rows or none, in batches.

An import is one transaction. It locks the organization's row first, so that imports into the same
organization run one after another, and then the rows that it updates. Other writers lock one
row and wait for no other lock, so there is no deadlock. A row stays locked from its comparison with
the file until the end, so no concurrent change is overwritten.
"""

from collections.abc import Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, ClassVar, Final, Generic, TypeVar

from django.db import IntegrityError, reset_queries, transaction
from django.utils import timezone

from organizations.models import Organization, User
from organizations.tenancy.models import TenantModel
from webchats.icons.cleanup import delete_unused_on_commit
from webchats.imports import columns
from webchats.imports.bulk import BulkWriter
from webchats.imports.concurrency import import_slot, lock_organization
from webchats.imports.formats import FORMATS
from webchats.imports.icons import ImportIcons
from webchats.imports.interfaces import ImportObserver, Validator
from webchats.imports.matching import ExistingRows
from webchats.imports.options import ImportOptions, ImportSource
from webchats.imports.references import References
from webchats.imports.report import OUTCOMES, ImportReport, start_record
from webchats.imports.rows import FileRefused, ImportProblem, ImportRow, Table
from webchats.imports.validation import WRITABLE, RowValidator
from webchats.metrics import ROWS_IMPORTED
from webchats.models import Webchat
from webchats.models.imports import ImportedRows, ImportStatus
from webchats.widget.response_cache import invalidate_on_commit

_Row = TypeVar("_Row", bound=TenantModel)
_New = TypeVar("_New")

#: Rows that are in memory and written together: fewer if they are long.
BATCH: Final = 2_000
_BATCH_LENGTH: Final = 1 << 23

_WEBCHATS: Final = BulkWriter(Webchat)
_CONCURRENT_CHANGE: Final = (
    "A row that the file refers to was changed during the import. Run the import again."
)


class _Interrupted(Exception):
    """The observer has interrupted the import."""


def run_import(
    source: ImportSource,
    *,
    organization: Organization,
    user: User,
    options: ImportOptions,
    observer: ImportObserver | None = None,
    run_class: "type[ImportRun[Any, Any]] | None" = None,
) -> ImportReport:
    """Import the file, store an ``ImportRecord`` and return the report.

    ``run_class`` imports rows of another model than webchats. Errors in the file are in the report.
    Raise ``StorageUnavailable``, ``DatabaseError`` or, without ``wait``, ``ImportsBusy``.
    """
    # A command, which waits, runs in a separate process.
    with nullcontext() if options.wait else import_slot(organization.pk):
        make_run = run_class or WebchatImport
        report = make_run(source, organization, user, options, observer or ImportObserver()).run()
    if report.status is ImportStatus.COMPLETED:
        for outcome in OUTCOMES:
            ROWS_IMPORTED.labels(outcome).inc(getattr(report, outcome))
    return report


@dataclass
class ImportRun(Generic[_Row, _New]):
    """An import of rows of a model. Subclasses find, validate and write them."""

    #: The names of the columns, those that errors list, and the rows in the import's record.
    known_columns: ClassVar[frozenset[str]]
    used_columns: ClassVar[tuple[str, ...]] = ()
    resource: ClassVar[ImportedRows]
    #: Returns the ``ExistingRows`` of an organization. ``Any``, because ``partial`` is invariant.
    find_existing: ClassVar[partial[Any]]

    source: ImportSource
    organization: Organization
    user: User
    options: ImportOptions
    observer: ImportObserver
    report: ImportReport = field(default_factory=ImportReport)
    refused: bool = False
    existing: ExistingRows[_Row] = field(init=False)
    validator: Validator[_Row, _New] = field(init=False)

    def make_validator(self, table: Table) -> Validator[_Row, _New]:
        """Return the validator of the file's rows."""
        raise NotImplementedError

    def write(self, created: list[_New], updated: list[_Row]) -> None:
        """Write the rows of a batch."""
        raise NotImplementedError

    @staticmethod
    def complete() -> None:
        """Apply the effects of a complete import, in its transaction."""

    def discard(self) -> None:
        """Delete the objects that the import has stored outside the database. It wrote no rows."""

    def run(self) -> ImportReport:
        """Import the rows in one transaction, which also completes the record."""
        target = self.organization
        record = start_record(self.source, target, self.user, self.options, self.resource)
        try:
            self.existing = self.find_existing(self.organization, self.options)
            with transaction.atomic(), closing(self.existing):
                self._import_rows()
                if self.refused or self.options.dry_run:
                    transaction.set_rollback(True)
                else:
                    self.complete()
                    self.report.finish(record, ImportStatus.COMPLETED)
            if self.refused or self.options.dry_run:
                status = ImportStatus.REFUSED if self.refused else ImportStatus.CHECKED
                self.report.finish(record, status)
        except (_Interrupted, KeyboardInterrupt):
            self.report.finish(record, ImportStatus.INTERRUPTED)
        except FileRefused as error:
            self._add_problem(ImportProblem(error.line, "", error.reason))
            self.report.finish(record, ImportStatus.REFUSED)
        except IntegrityError:
            self._add_problem(ImportProblem(None, "", _CONCURRENT_CHANGE))
            self.report.finish(record, ImportStatus.REFUSED)
        except BaseException:
            self.report.finish_failed(record)
            raise
        finally:
            if self.report.status is not ImportStatus.COMPLETED:
                self.discard()
        return self.report

    def _import_rows(self) -> None:
        lock_organization(self.organization.pk, wait=self.options.wait)
        with FORMATS[self.source.format].open_table(self.source.file) as table:
            self._import_table(table)

    def _import_table(self, table: Table) -> None:
        self.validator = self.make_validator(table)
        self.observer.header_read(table.header)
        for problem in columns.header_problems(table.header, self.known_columns, self.used_columns):
            self.refused = True
            self._add_problem(problem)
        for batch in self._batches(table.rows):
            for row in batch:
                self.validator.read(row)
            self._process(batch)
            self.observer.rows_read(len(batch))
            # With DEBUG, Django keeps every query in memory.
            reset_queries()

    def _batches(self, rows: Iterator[ImportRow]) -> Iterator[list[ImportRow]]:
        while True:
            if self.observer.should_stop():
                raise _Interrupted
            batch, length = [], 0
            for row in islice(rows, BATCH):
                batch.append(row)
                length += row.length
                if length > _BATCH_LENGTH:
                    break
            if not batch:
                return
            yield batch

    def _process(self, batch: list[ImportRow]) -> None:
        """Validate the rows of a batch, and write the valid ones unless the import is refused."""
        created: list[_New] = []
        updated: list[_Row] = []
        for row, stored in zip(batch, self.existing.find(batch), strict=True):
            if row.malformed:
                pass
            elif stored is None:
                new = self.validator.create(row)
                if not row.problems:
                    created.append(new)
            else:
                is_changed = self.validator.change(row, stored)
                if is_changed and not row.problems:
                    updated.append(stored)
                elif not row.problems:
                    self.report.unchanged += 1
            if row.problems:
                self._reject(row)
        self.report.rows += len(batch)
        self.report.created += len(created)
        self.report.updated += len(updated)
        if not self.refused:
            self.write(created, updated)

    def _reject(self, row: ImportRow) -> None:
        self.report.rejected += 1
        for problem in row.problems:
            self._add_problem(problem)
        self.observer.row_rejected(row)
        if not self.options.skip_invalid:
            self.refused = True

    def _add_problem(self, problem: ImportProblem) -> None:
        self.report.add(problem)
        self.observer.problem_found(problem)


@dataclass
class WebchatImport(ImportRun[Webchat, list[object]]):
    """An import of webchats."""

    known_columns = columns.KNOWN
    resource = ImportedRows.WEBCHATS
    find_existing = partial(ExistingRows, Webchat)
    complete = staticmethod(invalidate_on_commit)

    def __post_init__(self) -> None:
        store = not self.options.dry_run
        self._icons = ImportIcons(self.organization, self.options.icons, store=store)

    def make_validator(self, table: Table) -> RowValidator:
        self.webchats = RowValidator(
            table,
            organization=self.organization,
            user=self.user,
            references=References(self.organization),
            icons=self._icons,
            now=timezone.now(),
        )
        return self.webchats

    def write(self, created: list[list[object]], updated: list[Webchat]) -> None:
        _WEBCHATS.insert(created, by=self.user)
        _WEBCHATS.update(updated, (*WRITABLE, "updated_at"), by=self.user)
        delete_unused_on_commit(self.webchats.replaced_icons)
        self.webchats.replaced_icons = []

    def discard(self) -> None:
        self._icons.discard()
