"""A file between its dry run and the word of the one who sent it."""

from datetime import timedelta
from typing import Any, ClassVar, Final, Self

from django.db import models, transaction
from django.utils import timezone

from organizations.models import User
from organizations.tenancy.models import TenantModel, TenantQuerySet

#: How long a checked file waits.
PATIENCE: Final = timedelta(hours=1)


class PendingImportQuerySet(TenantQuerySet["PendingImport"]):
    """Files that wait."""

    def expired(self) -> Self:
        """Those that nobody confirmed in time."""
        return self.filter(created_at__lte=timezone.now() - PATIENCE)


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

    objects: ClassVar[Any] = PendingImportQuerySet.as_manager()

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
