"""Records of imports, and uploaded files awaiting confirmation."""

from datetime import timedelta
from typing import ClassVar, Final, Self

from django.db import models, transaction
from django.utils import timezone

from organizations.fields import TrimmedCharField
from organizations.models import User
from organizations.tenancy.models import TenantModel, TenantQuerySet


class ImportStatus(models.TextChoices):
    """The state of an import."""

    #: Also the permanent state of an import whose process was killed. It has written nothing.
    RUNNING = "running", "running"
    COMPLETED = "completed", "completed"
    CHECKED = "checked", "checked (dry run)"
    REFUSED = "refused", "refused"
    INTERRUPTED = "interrupted", "interrupted"


class ImportedRows(models.TextChoices):
    """The model of the imported rows, as its plural name."""

    WEBCHATS = "webchats", "webchats"
    KNOWLEDGE = "knowledge", "knowledge entries"
    CANNED_REPLIES = "canned_replies", "canned replies"
    CONTACTS = "contact", "contact entries"


def _resource_field() -> "models.CharField[str, str]":
    return models.CharField(
        max_length=20,
        choices=ImportedRows.choices,
        default=ImportedRows.WEBCHATS,
        db_default=ImportedRows.WEBCHATS.value,
        verbose_name="rows",
    )


class ImportRecord(TenantModel):
    """An import of webchats, or of the rows that ``resource`` names.

    ``COMPLETED`` is stored in the transaction that stores the rows, so neither exists without the
    other.
    """

    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    user_id: str | None
    file_name = TrimmedCharField(max_length=255)
    sha256 = models.CharField(max_length=64, verbose_name="SHA-256")
    status = models.CharField(
        max_length=12, choices=ImportStatus.choices, default=ImportStatus.RUNNING
    )
    update_existing = models.BooleanField(default=False)
    skip_invalid = models.BooleanField(default=False)
    resource = _resource_field()
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


#: How long an uploaded file can be confirmed.
EXPIRES_AFTER: Final = timedelta(hours=1)


class PendingImportQuerySet(TenantQuerySet["PendingImport"]):
    """Uploaded files awaiting confirmation."""

    def expired(self) -> Self:
        """Return the files that were not confirmed in time."""
        return self.filter(created_at__lte=timezone.now() - EXPIRES_AFTER)


PendingImportManager = models.Manager.from_queryset(PendingImportQuerySet)


class PendingImport(TenantModel):
    """An uploaded file that has been checked and awaits confirmation.

    It is stored in the database, because another process may handle the confirmation. Each user
    has at most one file: the next upload replaces it. Expired files are deleted whenever a user
    opens the import page, and by ``manage.py sweep_icons``.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    user_id: str
    file_name = models.CharField(max_length=255)
    content = models.BinaryField()
    update_existing = models.BooleanField(default=False)
    skip_invalid = models.BooleanField(default=False)
    resource = _resource_field()

    objects: ClassVar[PendingImportManager["PendingImport"]] = PendingImportManager()

    def __str__(self) -> str:
        return self.file_name

    @classmethod
    def take(cls, user: User, pk: str, resource: ImportedRows) -> "PendingImport | None":
        """Delete the user's file and return it; ``None`` if it has expired or was deleted.

        A file is confirmed only for the resource that it was checked for: ``resource``.
        """
        cls.objects.expired().delete()
        with transaction.atomic():
            files = cls.objects.for_user(user).filter(user=user, pk=pk, resource=resource)
            pending = files.select_for_update(of=("self",)).first()
            if pending is not None:
                cls.objects.filter(pk=pk).delete()
        return pending
