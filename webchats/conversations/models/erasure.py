"""The record of an erasure: user, times and numbers of deleted rows. No personal data."""

from datetime import datetime
from typing import ClassVar, Final, Self

from django.db import models

from organizations import constraints
from organizations.models import User
from organizations.tenancy.models import TenantModel, TenantQuerySet

ID_LENGTH: Final = 24


class ErasureState(models.TextChoices):
    """The state of an erasure."""

    PENDING = "pending", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"


class ErasureQuerySet(TenantQuerySet["Erasure"]):
    """Erasures, with a filter for those that are not finished."""

    def unfinished(self) -> Self:
        """Return the erasures that a worker has to finish."""
        return self.exclude(state=ErasureState.DONE)


ErasureManager = models.Manager.from_queryset(ErasureQuerySet)


class Erasure(TenantModel):
    """The deletion of a contact, with everything that was written to, by and about the person.

    The lock of the contact leaves one that is not finished per contact.

    The row stays as evidence, and so that a restored backup can be erased again: see
    ``docs/privacy.md``.
    """

    is_detail = True

    #: Of a row that does not exist any more.
    contact_id = models.CharField(max_length=ID_LENGTH)
    #: ``None`` for the command, and after the deletion of the user.
    requested_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    requested_by_id: str | None
    state = models.CharField(
        max_length=10, choices=ErasureState.choices, default=ErasureState.PENDING
    )
    #: At the time of the request. Events count as messages.
    total_conversations = models.PositiveIntegerField(default=0)
    total_messages = models.PositiveIntegerField(default=0)
    deleted_conversations = models.PositiveIntegerField(default=0)
    deleted_messages = models.PositiveIntegerField(default=0)
    finished_at: "models.DateTimeField[datetime | None, datetime | None]" = models.DateTimeField(
        null=True
    )

    objects: ClassVar[ErasureManager["Erasure"]] = ErasureManager()

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(fields=("organization", "-created_at", "-id"), name="erasure_newest"),
        )
        constraints = (constraints.one_of("state", ErasureState.values),)

    def __str__(self) -> str:
        return f"Contact {self.contact_id}"

    @property
    def percent(self) -> int:
        """Return the progress, from 0 to 100."""
        if self.state == ErasureState.DONE:
            return 100
        total = self.total_messages + self.total_conversations
        done = self.deleted_messages + self.deleted_conversations
        # The contact itself is the last part.
        return min(99, 100 * done // max(1, total + 1))
