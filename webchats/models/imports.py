"""Imports: the record of each one, and uploaded files awaiting confirmation."""

from datetime import timedelta
from typing import ClassVar, Final, Self

from django.db import models, transaction
from django.utils import timezone

from organizations.fields import TrimmedCharField
from organizations.models import User
from organizations.tenancy.models import TenantModel, TenantQuerySet


class ImportStatus(models.TextChoices):
    """How an import ended."""

    #: Also what stands for ever when the machine lost power: nothing was written then.
    RUNNING = "running", "running"
    COMPLETED = "completed", "completed"
    CHECKED = "checked", "checked (dry run)"
    REFUSED = "refused", "refused"
    INTERRUPTED = "interrupted", "interrupted"


class ImportRecord(TenantModel):
    """One import of webchats. A completed one is recorded in the transaction of its rows: the
    record says so if, and only if, the rows are there."""

    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    user_id: str | None
    file_name = TrimmedCharField(max_length=255)
    sha256 = models.CharField(max_length=64, verbose_name="SHA-256")
    status = models.CharField(
        max_length=12, choices=ImportStatus.choices, default=ImportStatus.RUNNING
    )
    update_existing = models.BooleanField(default=False)
    skip_invalid = models.BooleanField(default=False)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "import"
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(fields=("organization", "-created_at", "-id"), name="import_newest"),
        )

    def __str__(self) -> str:
        return f"{self.file_name} ({self.status})"


#: How long a checked file waits.
PATIENCE: Final = timedelta(hours=1)


class PendingImportQuerySet(TenantQuerySet["PendingImport"]):
    """Files that wait."""

    def expired(self) -> Self:
        """Those that nobody confirmed in time."""
        return self.filter(created_at__lte=timezone.now() - PATIENCE)


PendingImportManager = models.Manager.from_queryset(PendingImportQuerySet)


class PendingImport(TenantModel):
    """What was checked, kept so that this and nothing else is imported. In the database, which all
    processes share. It is found only by who sent it, and taken once; the next file that the same
    person sends replaces it, and anybody's next visit, or the daily sweep, clears what has waited
    too long."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    user_id: str
    file_name = models.CharField(max_length=255)
    content = models.BinaryField()
    update_existing = models.BooleanField(default=False)
    skip_invalid = models.BooleanField(default=False)

    objects: ClassVar[PendingImportManager["PendingImport"]] = PendingImportManager()

    def __str__(self) -> str:
        return self.file_name

    @classmethod
    def take(cls, user: User, pk: str) -> "PendingImport | None":
        """The user's file, which then waits no longer; ``None`` if it does not."""
        cls.objects.expired().delete()
        with transaction.atomic():
            waiting = cls.objects.for_user(user).filter(user=user, pk=pk)
            taken: PendingImport | None = waiting.select_for_update(of=("self",)).first()
            if taken is not None:
                cls.objects.filter(pk=pk).delete()
        return taken
