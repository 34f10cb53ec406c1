"""One run of a job: its handler, its lease, and its end."""

import asyncio
import logging
from time import monotonic
from typing import Final

from django.db import Error

from organizations.jobs import queue
from organizations.jobs.database import run_query
from organizations.jobs.metrics import RUNNING, RUNS, Outcome
from organizations.jobs.queue import ClaimedJob, LeaseLost, RetryLater
from organizations.jobs.registry import get_handler

logger = logging.getLogger("worker")

#: Seconds between two renewals of a lease.
RENEW_SECONDS: Final = 5
#: A job whose handler has raised an exception this often is deleted.
MAX_ATTEMPTS: Final = 8
#: The same for a job whose process has died, which may have another reason than the job.
MAX_CLAIMS: Final = 20
#: The longest delay after an exception, in seconds. The first one is a second, and each is twice
#: the one before.
MAX_DELAY: Final = 60


async def run_job(job: ClaimedJob) -> None:
    """Run a claimed job and end its lease. Raise no exception of the handler.

    When the task of this call is canceled, so is the handler, and another worker may run the job.
    """
    RUNNING.labels(job.kind).inc()
    outcome = Outcome.LOST
    try:
        outcome = await _run(job)
    except LeaseLost:
        logger.warning("Another worker has claimed the job %s %s.", job.kind, job.key)
    except Error as error:
        # The lease expires, and the job runs again.
        logger.error("The end of the job %s %s cannot be stored: %s", job.kind, job.key, error)
    finally:
        RUNNING.labels(job.kind).dec()
        RUNS.labels(job.kind, outcome.value).inc()


async def _run(job: ClaimedJob) -> Outcome:
    if job.attempts > MAX_CLAIMS:
        logger.error(
            "The job %s %s is deleted: %d workers that ran it have ended.",
            job.kind,
            job.key,
            MAX_CLAIMS,
        )
        await run_query(queue.complete, job)
        return Outcome.GIVEN_UP
    handler = asyncio.ensure_future(get_handler(job.kind)(job))
    holder = asyncio.get_running_loop().create_task(_hold_lease(job, handler))
    try:
        await handler
    except RetryLater as retry:
        await run_query(queue.retry, job, retry.seconds, has_failed=False)
        return Outcome.RETRIED
    except asyncio.CancelledError:
        if holder.done():
            raise LeaseLost from None
        await run_query(queue.release, job)
        return Outcome.RELEASED
    except LeaseLost:
        raise
    except Exception as error:  # noqa: BLE001 - logged, and the job is retried
        return await _end_failed(job, error)
    finally:
        handler.cancel()
        holder.cancel()
    await run_query(queue.complete, job)
    return Outcome.DONE


async def _end_failed(job: ClaimedJob, error: Exception) -> Outcome:
    """Log the exception, and let the job run again unless it has failed too often."""
    name = f"{job.kind} {job.key}"
    if job.attempts >= MAX_ATTEMPTS:
        message = "The job %s has failed %d times and is deleted."
        logger.error(message, name, job.attempts, exc_info=error)
        await run_query(queue.complete, job)
        return Outcome.GIVEN_UP
    delay = min(2 ** (job.attempts - 1), MAX_DELAY)
    message = "The job %s has failed and runs again in %d seconds."
    logger.error(message, name, delay, exc_info=error)
    await run_query(queue.retry, job, delay)
    return Outcome.FAILED


async def _hold_lease(job: ClaimedJob, handler: "asyncio.Future[None]") -> None:
    """Renew the lease, and cancel the handler if it is lost."""
    expires_at = monotonic() + queue.LEASE_SECONDS
    while monotonic() < expires_at:
        await asyncio.sleep(RENEW_SECONDS)
        renewed_at = monotonic()
        try:
            await run_query(queue.renew, job)
        except LeaseLost:
            break
        except Error as error:
            logger.error("The lease of the job %s %s is not renewed: %s", job.kind, job.key, error)
        else:
            expires_at = renewed_at + queue.LEASE_SECONDS
    handler.cancel()
