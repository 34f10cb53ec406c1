"""The job that erases a person. Its key is the id of the erasure."""

import logging
from functools import partial

from django.db.models import Exists, OuterRef

from organizations.jobs.database import run_slow_query
from organizations.jobs.queue import ClaimedJob, lock_lease
from organizations.models import Job
from webchats.conversations.models import Erasure
from webchats.conversations.privacy.erasure import ERASURE_JOB, erase, request_job, truncate_log

logger = logging.getLogger("worker")


async def run_erasure(job: ClaimedJob) -> None:
    """Delete everything about the contact, in transactions that each hold the lease."""
    erasure = await run_slow_query(Erasure.objects.unfinished().filter(pk=job.key).first)
    if erasure is None:
        return
    steps = erase(erasure, check=partial(lock_lease, job))
    # Other queries run in between.
    while await run_slow_query(next, steps, None) is not None:
        pass
    await run_slow_query(truncate_log)
    logger.info("A person is erased.", extra={"fields": {"erasure": erasure.pk}})


def request_lost_erasures() -> None:
    """Request the job of each unfinished erasure that has none, such as after too many failures."""
    jobs = Job.objects.filter(kind=ERASURE_JOB, key=OuterRef("pk"))
    for erasure in Erasure.objects.unfinished().filter(~Exists(jobs)):
        logger.warning("The erasure %s has no job, and is continued.", erasure.pk)
        request_job(erasure)
