"""The merges of contacts, with the values needed to undo them."""

from datetime import datetime, timedelta
from typing import ClassVar, Final, Self

from django.db import models
from django.utils import timezone

from organizations import constraints
from organizations.fields import NAME_LENGTH, TrimmedCharField
from organizations.models import User
from organizations.tenancy.models import TenantModel, TenantQuerySet
from webchat_project.api.object_ids import LENGTH
from webchats.conversations.models.contact import Contact
from webchats.conversations.models.deletion import clear_and_set_null

#: How long a merge can be undone.
UNDO_FOR: Final = timedelta(days=30)


class ContactMergeQuerySet(TenantQuerySet["ContactMerge"]):
    """Merges, with filters for their states."""

    def in_effect(self) -> Self:
        """Return the merges that were not undone."""
        return self.filter(undone_at=None)

    def undoable(self) -> Self:
        """Return the merges that can be undone now."""
        rows = self.in_effect().filter(removed_values__isnull=False)
        rows = rows.filter(created_at__gt=timezone.now() - UNDO_FOR)
        return rows.filter(contact_id=models.F("kept_id"))

    def expired(self) -> Self:
        """Return the merges that can no longer be undone, but still have the values for it."""
        rows = self.filter(removed_values__isnull=False)
        return rows.filter(created_at__lte=timezone.now() - UNDO_FOR)


ContactMergeManager = models.Manager.from_queryset(ContactMergeQuerySet)


class ContactMerge(TenantModel):
    """A contact that became part of another one, and was removed.

    The personal data of a merge are in ``removed_values`` and ``kept_values``. They are cleared
    when it is undone, after ``UNDO_FOR``, and whenever ``contact`` is deleted. The change history
    of the removed contact is that of ``removed_id``.

    The conversations and moves of the removed contact refer to the merge by ``merge``. If the kept
    contact is merged again, ``contact`` is the contact that has the data now, and ``inside`` the
    later merge, which must be undone first.
    """

    is_detail = True

    contact = models.ForeignKey(
        Contact, on_delete=clear_and_set_null, null=True, related_name="merges"
    )
    contact_id: str | None
    kept_id = models.CharField(max_length=LENGTH)
    removed_id = models.CharField(max_length=LENGTH)
    inside = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="included"
    )
    inside_id: str | None
    merged_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    merged_by_id: str | None
    merged_by_name = TrimmedCharField(max_length=NAME_LENGTH, blank=True, default="")
    #: The values of the removed contact by column.
    removed_values = models.JSONField(null=True)
    #: The values of the contact that stayed which the merge changed: by column, before and after.
    kept_values = models.JSONField(null=True)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    undone_by_id: str | None

    objects: ClassVar[ContactMergeManager["ContactMerge"]] = ContactMergeManager()

    class Meta:
        verbose_name = "merge"
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(fields=("organization", "-created_at", "-id"), name="merge_newest"),
            models.Index(
                fields=("created_at",),
                condition=models.Q(removed_values__isnull=False),
                name="merge_with_undo_data",
            ),
        )
        constraints = (
            constraints.length_between("merged_by_name", 0, NAME_LENGTH),
            models.UniqueConstraint(
                fields=("removed_id",),
                condition=models.Q(undone_at=None),
                name="contact_merged_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.removed_id} → {self.kept_id}"

    @property
    def removed_name(self) -> str:
        """Return the name of the removed contact in lists, as long as its values are known."""
        values = self.removed_values or {}
        known = {name: values.get(name, "") for name in ("name", "email", "phone")}
        return str(Contact(pk=self.removed_id, **known))

    @property
    def is_undoable(self) -> bool:
        """Whether it can be undone now: see ``ContactMergeQuerySet.undoable``."""
        is_in_effect = self.undone_at is None and self.removed_values is not None
        is_last = self.contact_id == self.kept_id
        return is_in_effect and is_last and timezone.now() < self.undoable_until

    @property
    def undoable_until(self) -> datetime:
        """Return when the data that undoing needs are deleted."""
        return self.created_at + UNDO_FOR
