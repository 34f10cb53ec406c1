"""What is remembered of an import: who, when, which file, and what came of it."""

from django.db import models

from organizations.model_fields import TrimmedCharField
from organizations.models import User
from organizations.tenancy.models import TenantModel


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
