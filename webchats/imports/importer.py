"""The import of a file into an organization's webchats: all rows or none, in batches.

An import is one transaction. It locks the organization's row first, so that imports into the same
organization run one after another, and then the webchats that it updates. Other writers lock one
webchat and wait for no other lock, so there is no deadlock. A webchat stays locked from its
comparison with the file until the end, so no concurrent change is overwritten.
"""

import hashlib
from collections.abc import Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO, Final

from django.db import IntegrityError, reset_queries, transaction
from django.utils import timezone

from organizations.models import Organization, User
from webchats.icons.cleanup import delete_unused_on_commit
from webchats.imports import bulk, columns
from webchats.imports.concurrency import import_slot, lock_organization
from webchats.imports.formats import FORMATS
from webchats.imports.icons import ImportIcons
from webchats.imports.matching import ExistingWebchats
from webchats.imports.options import ImportOptions, ImportSource
from webchats.imports.references import References
from webchats.imports.report import OUTCOMES, ImportReport
from webchats.imports.rows import FileRefused, ImportProblem, ImportRow, Table
from webchats.imports.validation import WRITABLE, RowValidator
from webchats.metrics import ROWS_IMPORTED
from webchats.models import Webchat
from webchats.models.imports import ImportRecord, ImportStatus
from webchats.widget.response_cache import invalidate_on_commit

#: Rows that are in memory and written together: fewer if they are long.
BATCH: Final = 2_000
_BATCH_LENGTH: Final = 1 << 23

_CONCURRENT_CHANGE: Final = (
    "A row that the file refers to was changed during the import. Run the import again."
)


class ImportObserver:
    """Callbacks during an import. They do nothing unless a subclass overrides them."""

    def header_read(self, header: list[str] | None) -> None:
        """Receive the columns; ``None`` if each row has its own (JSON)."""

    def problem_found(self, problem: ImportProblem) -> None:
        """Receive an error of the file or of a row."""

    def row_rejected(self, row: ImportRow) -> None:
        """Receive a rejected row, after all of its problems."""

    def rows_read(self, count: int) -> None:
        """Receive the number of rows that were processed since the last call."""

    def should_stop(self) -> bool:
        """Return whether to interrupt the import. Called before each batch and the commit."""
        return False


class _Interrupted(Exception):
    """The observer has interrupted the import."""


def run_import(
    source: ImportSource,
    *,
    organization: Organization,
    user: User,
    options: ImportOptions,
    observer: ImportObserver | None = None,
) -> ImportReport:
    """Import the file, store an ``ImportRecord`` and return the report.

    Errors in the file are problems of the report. Raise ``StorageUnavailable``, ``DatabaseError``
    or ``ImportsBusy`` (only without ``wait``); nothing is written in these cases.
    """
    # A command, which waits, has a process of its own.
    with nullcontext() if options.wait else import_slot(organization.pk):
        report = _Import(source, organization, user, options, observer or ImportObserver()).run()
    if report.status is ImportStatus.COMPLETED:
        for outcome in OUTCOMES:
            ROWS_IMPORTED.labels(outcome).inc(getattr(report, outcome))
    return report


@dataclass
class _Import:
    source: ImportSource
    organization: Organization
    user: User
    options: ImportOptions
    observer: ImportObserver
    report: ImportReport = field(default_factory=ImportReport)
    refused: bool = False

    def __post_init__(self) -> None:
        store = not self.options.dry_run
        self.icons = ImportIcons(self.organization, self.options.icons, store=store)

    def run(self) -> ImportReport:
        """Import the rows in one transaction, which also completes the record."""
        record = self._create_record()
        try:
            existing = ExistingWebchats(
                self.organization,
                update=self.options.update,
                allow_new_ids=self.options.allow_new_ids,
            )
            with transaction.atomic(), closing(existing):
                self._import_rows(existing)
                if self.refused or self.options.dry_run:
                    transaction.set_rollback(True)
                else:
                    invalidate_on_commit()
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
                self.icons.discard()
        return self.report

    def _create_record(self) -> ImportRecord:
        return ImportRecord.objects.create(
            organization=self.organization,
            user=self.user,
            # A file name that is not valid Unicode contains surrogates.
            file_name=self.source.name.encode(errors="replace").decode()[:255],
            sha256=_compute_sha256(self.source.file),
            update_existing=self.options.update,
            skip_invalid=self.options.skip_invalid,
        )

    def _import_rows(self, existing: ExistingWebchats) -> None:
        lock_organization(self.organization.pk, wait=self.options.wait)
        with FORMATS[self.source.format].open_table(self.source.file) as table:
            self._import_table(table, existing)

    def _import_table(self, table: Table, existing: ExistingWebchats) -> None:
        self.observer.header_read(table.header)
        for problem in columns.header_problems(table.header or []):
            self.refused = True
            self._add_problem(problem)
        validator = RowValidator(
            table,
            organization=self.organization,
            user=self.user,
            references=References(self.organization),
            icons=self.icons,
            now=timezone.now(),
        )
        for batch in self._batches(table.rows):
            for row in batch:
                validator.read(row)
            self._process(batch, validator, existing)
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

    def _process(
        self, batch: list[ImportRow], validator: RowValidator, existing: ExistingWebchats
    ) -> None:
        """Validate the rows of a batch, and write the valid ones unless the import is refused."""
        created: list[list[object]] = []
        updated: list[Webchat] = []
        replaced_icons: list[str] = []
        for row, webchat in zip(batch, existing.find(batch), strict=True):
            if row.malformed:
                pass
            elif webchat is None:
                values = validator.create(row)
                if not row.problems:
                    created.append(values)
            else:
                icon = webchat.icon
                is_changed = validator.change(row, webchat)
                if is_changed and not row.problems:
                    updated.append(webchat)
                    if icon != webchat.icon:
                        replaced_icons.append(icon)
                elif not row.problems:
                    self.report.unchanged += 1
            if row.problems:
                self._reject(row)
        self.report.rows += len(batch)
        self.report.created += len(created)
        self.report.updated += len(updated)
        if not self.refused:
            bulk.insert(created, by=self.user)
            bulk.update(updated, (*WRITABLE, "updated_at"), by=self.user)
            delete_unused_on_commit(replaced_icons)

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


def _compute_sha256(file: BinaryIO) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()
