"""Requests for a test of a provider's connection, which the worker makes."""

from datetime import timedelta
from enum import StrEnum
from typing import Final

from django.utils import timezone

from organizations.jobs.queue import enqueue
from organizations.models import AiProvider
from organizations.models.job import Job

#: The kind of the job. Its key is the provider's id.
KIND: Final = "test_connection"
#: A worker takes a test within a second. After this time, none seems to run.
_WORKER_IS_MISSING_AFTER: Final = timedelta(seconds=15)


class TestState(StrEnum):
    """What happens to the requested test of a provider."""

    #: No test is requested: the last one is in ``last_ok_at`` and ``last_error``.
    DONE = "done"
    RUNNING = "running"
    #: No worker has taken the test.
    NO_WORKER = "no_worker"


def request_test(provider: AiProvider) -> None:
    """Let the worker test the provider as it is stored."""
    enqueue(KIND, key=provider.pk, organization_id=provider.organization_id)


def get_test_state(provider: AiProvider) -> TestState:
    """Return the state of the requested test."""
    job = Job.objects.filter(kind=KIND, key=provider.pk).first()
    if job is None:
        return TestState.DONE
    is_waiting = job.leased_until is None or job.leased_until < timezone.now()
    is_late = timezone.now() - job.run_at > _WORKER_IS_MISSING_AFTER
    return TestState.NO_WORKER if is_waiting and is_late else TestState.RUNNING
