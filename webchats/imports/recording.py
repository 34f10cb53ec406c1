"""The end of an import in its record."""

import logging

from django.db import DatabaseError
from django.utils import timezone

from webchats.imports.report import Report
from webchats.models.imports import ImportRecord, ImportStatus

logger = logging.getLogger(__name__)


def finish(record: ImportRecord, report: Report, status: ImportStatus) -> None:
    """The import ended so, with the report's counts."""
    report.status = status
    record.status, record.finished_at = status, timezone.now()
    record.created, record.updated = report.created, report.updated
    record.unchanged, record.rejected = report.unchanged, report.rejected
    record.save()


def finish_failed(record: ImportRecord, report: Report) -> None:
    """The import is about to raise what is not the file's fault."""
    logger.error("The import %s failed, nothing was written", record.pk)
    try:
        finish(record, report, ImportStatus.INTERRUPTED)
    except DatabaseError as error:
        # Still down: the record stays as after a loss of power.
        logger.warning("The record of the import %s stays as running: %s", record.pk, error)
