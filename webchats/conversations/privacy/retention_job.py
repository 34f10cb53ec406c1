"""The job that applies the retention of an organization. Its key is the organization's id."""

import logging
from functools import partial
from typing import Final

from django.db.models import Q

from organizations.jobs.database import run_slow_query
from organizations.jobs.queue import ClaimedJob, enqueue, lock_lease
from organizations.models import Organization
from webchats.conversations.privacy.removal import Deleted
from webchats.conversations.privacy.retention import apply_retention

logger = logging.getLogger("worker")

RETENTION_JOB: Final = "retention"


def request_retention() -> None:
    """Request the job for each organization that keeps something for a limited time."""
    has_limit = Q(retention_days__isnull=False) | Q(contact_retention_days__isnull=False)
    for organization_id in Organization.objects.filter(has_limit).values_list("pk", flat=True):
        enqueue(RETENTION_JOB, key=organization_id, organization_id=organization_id)


async def run_retention(job: ClaimedJob) -> None:
    """Delete the due rows, in transactions of at most some hundred rows.

    Each holds the lease, so that a worker that has lost it deletes nothing more.
    """
    organization = await run_slow_query(Organization.objects.filter(pk=job.key).first)
    if organization is None:
        return
    steps = apply_retention(organization, check=partial(lock_lease, job))
    total = Deleted()
    # Other queries run in between.
    while (deleted := await run_slow_query(next, steps, None)) is not None:
        total = total.plus(deleted)
    if any(total):
        fields = {"organization": organization.pk, **total._asdict()}
        logger.info("Data past its retention is deleted.", extra={"fields": fields})
