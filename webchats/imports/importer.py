"""Rows of a file into an organization's webchats: all or nothing, in batches, once or again.

One transaction holds an import. It locks the organization's row first, so that imports into one
organization follow each other, and then the webchats it changes; whoever writes through another
door holds one webchat's lock and waits for no other, so nobody waits in a circle. A webchat is
locked from before it is compared until the end: no change beside the import is overwritten unseen.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePath
from typing import BinaryIO, Final

from django.db import IntegrityError, reset_queries, transaction
from django.utils import timezone

from organizations.models import Organization, User
from webchats.icons.cleanup import delete_unused_on_commit
from webchats.imports import bulk, columns, recording
from webchats.imports.candidate import Candidate
from webchats.imports.candidates import WRITABLE, Candidates
from webchats.imports.formats import readers
from webchats.imports.formats.encoding import digest_of
from webchats.imports.icons import IconFiles
from webchats.imports.judge import Judge
from webchats.imports.listener import Listener
from webchats.imports.matching import Matcher
from webchats.imports.references import References
from webchats.imports.report import FileRefused, Interrupted, Problem, Report
from webchats.imports.row import Row
from webchats.imports.seen import Seen
from webchats.metrics import ROWS_IMPORTED
from webchats.models import Webchat
from webchats.models.imports import ImportRecord, ImportStatus
from webchats.widget.response_cache import invalidate_on_commit

BATCH: Final = 2_000


@dataclass(frozen=True, slots=True)
class Options:
    """What the one who imports chose."""

    update: bool = False
    dry_run: bool = False
    skip_invalid: bool = False
    #: Where the image files lie that cells of ``icon`` may name.
    icons: Path | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was opened to be read, from its start and more than once."""

    file: BinaryIO
    name: str
    format: str


class _Undo(Exception):
    """Leaves the transaction without writing."""


def format_of(name: str) -> str | None:
    """The format that a file's name says, if it says a known one."""
    suffix = PurePath(name).suffix.lower().removeprefix(".")
    suffix = {"jsonl": "ndjson", "tsv": "csv", "txt": "csv"}.get(suffix, suffix)
    return suffix if suffix in readers.FORMATS else None


def run_import(
    source: Source,
    *,
    organization: Organization,
    user: User,
    options: Options,
    listener: Listener | None = None,
) -> Report:
    """Import, leave a record, and say what came of it. Nothing a file holds raises; a storage
    or a database that does not answer does."""
    report = _Import(source, organization, user, options, listener or Listener()).run()
    if report.status is ImportStatus.COMPLETED:
        for outcome in ("created", "updated", "unchanged", "rejected"):
            ROWS_IMPORTED.labels(outcome).inc(getattr(report, outcome))
    return report


class _Import:
    def __init__(
        self,
        source: Source,
        organization: Organization,
        user: User,
        options: Options,
        listener: Listener,
    ) -> None:
        self.source, self.organization, self.user = source, organization, user
        self.options, self.listener = options, listener
        self.report = Report()
        self.icons = IconFiles(organization, options.icons, store=not options.dry_run)
        self.refused = False

    def run(self) -> Report:
        """One transaction for the rows, with the record of a completed import among them."""
        record = self._start_record()
        try:
            with self.icons as stored_icons:
                with transaction.atomic(), Seen() as seen:
                    self._read(seen)
                    if self.refused or self.options.dry_run:
                        raise _Undo
                    invalidate_on_commit()
                    recording.finish(record, self.report, ImportStatus.COMPLETED)
                stored_icons.keep()
        except _Undo:
            status = ImportStatus.REFUSED if self.refused else ImportStatus.CHECKED
            recording.finish(record, self.report, status)
        except (Interrupted, KeyboardInterrupt):
            recording.finish(record, self.report, ImportStatus.INTERRUPTED)
        except FileRefused as error:
            self._problem(Problem(error.line, "", error.reason))
            recording.finish(record, self.report, ImportStatus.REFUSED)
        except IntegrityError:
            self._problem(Problem(None, "", _LOST_RACE))
            recording.finish(record, self.report, ImportStatus.REFUSED)
        except BaseException:
            # Not the file's fault: whoever called says so, in their own words.
            recording.finish_failed(record, self.report)
            raise
        return self.report

    # --- The record ---

    def _start_record(self) -> ImportRecord:
        record: ImportRecord = ImportRecord.objects.create(
            organization=self.organization,
            user=self.user,
            # A name that is no Unicode comes from the file system with surrogates.
            file_name=self.source.name.encode(errors="replace").decode()[:255],
            sha256=digest_of(self.source.file),
            update_existing=self.options.update,
            skip_invalid=self.options.skip_invalid,
        )
        return record

    # --- The rows ---

    def _read(self, seen: Seen) -> None:
        # Against another import, not against those who point to the organization.
        locked = Organization.objects.select_for_update(no_key=True)
        list(locked.filter(pk=self.organization.pk).values_list("pk"))
        table = readers.read(self.source.file, self.source.format)
        self._check_header(table.header)
        self.listener.header(table.header)
        candidates = Candidates(
            organization=self.organization,
            user=self.user,
            judge=Judge(References(self.organization), self.icons),
            header=table.header,
            typed=table.typed,
            now=timezone.now(),
        )
        matcher = Matcher(self.organization, seen, update=self.options.update)
        for rows in _batches(table.rows):
            if self.listener.stopped():
                raise Interrupted
            self._take([candidates.read(row) for row in rows], candidates, matcher)
            self.listener.progress(len(rows))
            # In DEBUG Django remembers the statements: a long import's are no small thing.
            reset_queries()
        if self.listener.stopped():
            raise Interrupted

    def _check_header(self, header: list[str] | None) -> None:
        if header is None:
            return
        if len(header) > columns.MOST_COLUMNS:
            reason = f"The header has {len(header):,} columns, more than a webchat can have."
            raise FileRefused(reason, 1)
        for name, reason in columns.unknown_columns(header):
            self._refuse_file(Problem(1, name, reason))
        for name, times in sorted(Counter(header).items()):
            if times > 1:
                self._refuse_file(Problem(1, name, "The column stands more than once."))

    def _take(self, batch: list[Candidate], candidates: Candidates, matcher: Matcher) -> None:
        """Look at the batch's rows, and write the good ones unless the import is refused."""
        new: list[Webchat] = []
        changed: list[Webchat] = []
        let_go: list[str] = []
        report, unchanged, icon = self.report, 0, ""
        for candidate, stored in matcher.match(batch):
            if candidate.row.broken:
                self._reject(candidate)
                continue
            if stored is None:
                webchat, is_changed = candidates.create(candidate), False
            else:
                webchat, icon = stored, stored.icon
                is_changed = candidates.change(candidate, stored)
            if candidate.problems:
                self._reject(candidate)
            elif stored is None:
                new.append(webchat)
            elif is_changed:
                changed.append(webchat)
                if icon != webchat.icon:
                    let_go.append(icon)
            else:
                unchanged += 1
        report.created += len(new)
        report.updated += len(changed)
        report.unchanged += unchanged
        if not self.refused:
            bulk.insert(new, by=self.user)
            bulk.update(changed, (*WRITABLE, "updated_at"), by=self.user)
            delete_unused_on_commit(let_go)

    def _reject(self, candidate: Candidate) -> None:
        self.report.rejected += 1
        for problem in candidate.problems:
            self._problem(problem)
        self.listener.rejected(candidate.row, candidate.problems)
        if not self.options.skip_invalid:
            self.refused = True

    def _refuse_file(self, problem: Problem) -> None:
        self.refused = True
        self._problem(problem)

    def _problem(self, problem: Problem) -> None:
        self.report.add(problem)
        self.listener.problem(problem)


_LOST_RACE: Final = (
    "Something that the rows point to was changed by somebody else at the same time. "
    "Run the import again."
)


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    rows = iter(rows)
    while batch := list(islice(rows, BATCH)):
        yield batch
