"""Work that the worker does after a commit."""

from typing import Any, Final

from django.db import models
from django.db.models.functions import Coalesce

from organizations.tenancy.models import TenantModel

KIND_LENGTH: Final = 30
KEY_LENGTH: Final = 64


class Job(TenantModel):
    """A job that waits or runs. It is deleted when it is done.

    A worker holds a lease while it runs the job, and renews it. When the worker dies, the lease
    expires, and another worker claims the job: see ``organizations.jobs.queue``.
    """

    is_detail = True

    kind = models.CharField(max_length=KIND_LENGTH)
    #: What the job is for, such as the id of a conversation.
    key = models.CharField(max_length=KEY_LENGTH)
    payload: "models.JSONField[Any, Any]" = models.JSONField(default=dict)
    #: When the job is due, unless it is leased.
    run_at = models.DateTimeField()
    #: The first request since the job was claimed last; null without one.
    first_requested_at = models.DateTimeField(null=True)
    #: The number of requests. A job that was requested while it ran, runs again.
    requested = models.PositiveIntegerField(default=1)
    #: Until when a worker holds the job; null while it waits.
    leased_until = models.DateTimeField(null=True)
    #: Increased with each claim, so that a worker whose lease has expired can write nothing.
    fence = models.PositiveIntegerField(default=0)
    #: The number of claims since the last request.
    attempts = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("run_at", "id")
        constraints = (
            models.UniqueConstraint(fields=("kind", "key"), name="one_job_per_kind_and_key"),
        )
        indexes = (
            # The time at which a worker may claim the job.
            models.Index(Coalesce("leased_until", "run_at"), "id", name="job_claimable"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
