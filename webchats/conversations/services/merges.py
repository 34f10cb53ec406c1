"""Merging two contacts, and undoing that.

Locks are taken in the order of every action on conversations: the conversations, by id, then the
contacts, by id, then the merges. A visitor's message locks a conversation and then its contact, so
no action waits for one that waits for it. The lock of a contact is not waited for at all: an import
locks contacts in the order of its file.

The rows of a contact are moved by one UPDATE per table, and no message is read or written.
"""

import time
from collections.abc import Callable, Collection
from typing import Any, Final, TypeVar

from django.db import OperationalError, models, transaction
from django.db.models.functions import Coalesce
from django.utils import timezone

from organizations.fields import NAME_LENGTH
from organizations.models import User
from webchats.conversations.contacts import publish_contact
from webchats.conversations.errors import ContactBusy, ContactGone, MergeFinal
from webchats.conversations.merged_values import (
    combine,
    default_choices,
    dump_values,
    load_values,
    unchanged_since,
)
from webchats.conversations.models import Contact, ContactMerge, Conversation, Erasure, StageMove
from webchats.conversations.moves import save_contact
from webchats.conversations.services.merge_locks import (
    lock_contact,
    lock_contacts,
    lock_conversations,
    require_few_conversations,
)
from webchats.conversations.transitions import State

_Result = TypeVar("_Result")

#: How often, and after how many seconds, locked contacts are tried again.
_ATTEMPTS: Final = 5
_PAUSE: Final = 0.1
#: The tables whose rows belong to a contact.
_MOVED: Final[tuple[Any, ...]] = (Conversation, StageMove)
#: SQLSTATE of PostgreSQL: ``lock_not_available``.
_LOCKED: Final = "55P03"


def merge_contacts(
    *, kept: Contact, removed: Contact, user: User, take: Collection[str] | None = None
) -> ContactMerge:
    """Move everything of ``removed`` to ``kept``, and remove it.

    ``take`` names the ``CHOICES`` whose value is that of ``removed``; ``None``: where only it has
    one. Raise ``ContactGone`` if one of the contacts was merged or deleted meanwhile,
    ``ContactTooLarge`` if ``removed`` has too many conversations, and ``ContactBusy``.
    """
    assert kept.pk != removed.pk
    assert kept.organization_id == removed.organization_id
    return _retry(lambda: _merge(kept.pk, removed.pk, user, take))


def undo_merge(*, merge: ContactMerge, user: User) -> ContactMerge:
    """Restore both contacts, except for later changes.

    The removed contact gets back its values, conversations and moves. The kept contact gets back
    the values that have not changed since, and keeps the conversations begun since. Raise
    ``MergeFinal`` if the merge cannot be undone, and ``ContactBusy``.
    """
    return _retry(lambda: _undo(merge.pk, user))


def _retry(action: Callable[[], _Result]) -> _Result:
    """Return the result of a transaction that raises ``OperationalError`` for a locked contact."""
    for _ in range(_ATTEMPTS):
        try:
            with transaction.atomic():
                return action()
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) != _LOCKED:
                raise
        time.sleep(_PAUSE)
    raise ContactBusy


def _merge(kept_id: str, removed_id: str, user: User, take: Collection[str] | None) -> ContactMerge:
    require_few_conversations(removed_id)
    lock_conversations(Conversation.objects.filter(contact=removed_id))
    kept, removed = lock_contacts(kept_id, removed_id)
    if _are_being_erased(kept_id, removed_id):
        raise ContactGone
    take = default_choices(kept, removed) if take is None else take
    before = dump_values(kept)
    combine(kept, removed, take)
    _describe_version(kept, user, f"Another contact was merged into this one ({removed_id}).")
    _describe_version(removed, user, f"The contact was merged into another one ({kept_id}).")
    save_contact(kept, user)
    after = dump_values(kept)
    changed = [column for column, value in after.items() if before[column] != value]
    merge = ContactMerge(
        organization_id=kept.organization_id,
        contact=kept,
        kept_id=kept_id,
        removed_id=removed_id,
        merged_by=user,
        merged_by_name=user.get_full_name()[:NAME_LENGTH],
        removed_values=dump_values(removed),
        kept_values={
            name: {column: values[column] for column in changed}
            for name, values in (("before", before), ("after", after))
        },
    )
    merge.save(force_insert=True)
    _move_to(kept, removed, merge)
    removed.delete()
    publish_contact(kept)
    return merge


def _move_to(kept: Contact, removed: Contact, merge: ContactMerge) -> None:
    # A row that had come by an earlier merge keeps that one.
    origin = Coalesce("merge_id", models.Value(merge.pk))
    for model in _MOVED:
        rows = model.objects.filter(contact=removed)
        rows.update(contact=kept, merge_id=origin, **_new_version(model))
    earlier = ContactMerge.objects.filter(contact=removed)
    earlier.filter(kept_id=removed.pk, inside=None, undone_at=None).update(inside=merge)
    earlier.update(contact=kept)


def _undo(merge_id: str, user: User) -> ContactMerge:
    ids = _with_included(merge_id)
    lock_conversations(Conversation.objects.filter(merge__in=ids))
    rows = ContactMerge.objects.filter(pk=merge_id)
    kept = lock_contact(rows.values_list("kept_id", flat=True).get())
    merge = rows.select_for_update(of=("self",)).get()
    _require_undoable(merge)
    if _are_being_erased(merge.kept_id):
        raise MergeFinal("The contact is being erased. The merge cannot be undone.")
    assert kept is not None, "A merge has a contact as long as that is stored."
    assert merge.removed_values is not None
    restored = Contact(pk=merge.removed_id, organization_id=merge.organization_id)
    load_values(restored, merge.removed_values)
    _restore_removed(restored, merge.kept_id, user)
    _restore_kept(kept, merge, user)
    own = ContactMerge.objects.filter(pk__in=ids - {merge.pk})
    own.filter(inside=merge).update(inside=None)
    own.update(contact=restored)
    for model in _MOVED:
        model.objects.filter(contact=kept, merge__in=ids).update(
            contact=restored,
            merge_id=models.Case(
                models.When(merge=merge.pk, then=models.Value(None)), default=models.F("merge_id")
            ),
            **_new_version(model),
        )
    merge.removed_values = merge.kept_values = None
    merge.undone_at, merge.undone_by = timezone.now(), user
    merge.save()
    publish_contact(kept)
    publish_contact(restored)
    return merge


def _new_version(model: type[models.Model]) -> dict[str, models.Case]:
    """Return the update of the version of open conversations, whose documents name the contact."""
    if model is not Conversation:
        return {}
    is_open = models.When(state=State.OPEN, then=models.Value(timezone.now()))
    return {"updated_at": models.Case(is_open, default=models.F("updated_at"))}


def _are_being_erased(*contact_ids: str) -> bool:
    """Return whether one of the locked contacts is being deleted with its conversations."""
    return Erasure.objects.unfinished().filter(contact_id__in=contact_ids).exists()


def _require_undoable(merge: ContactMerge) -> None:
    if merge.undone_at is not None:
        raise MergeFinal("The merge was undone already.")
    if merge.contact_id is None:
        raise MergeFinal("The contact was deleted meanwhile. The merge cannot be undone.")
    if merge.contact_id != merge.kept_id:
        raise MergeFinal("The contact was merged again. Undo the later merge first.")
    if merge.removed_values is None or merge.undoable_until <= timezone.now():
        raise MergeFinal("The merge is too old. It could be undone for 30 days.")


def _restore_removed(contact: Contact, kept_id: str, user: User) -> None:
    created_at = contact.created_at
    _describe_version(contact, user, f"The merge into another contact was undone ({kept_id}).")
    contact.save(force_insert=True)
    # Django sets the time of creation of every new row.
    Contact.objects.filter(pk=contact.pk).update(created_at=created_at)


def _restore_kept(contact: Contact, merge: ContactMerge, user: User) -> None:
    assert merge.kept_values is not None
    before = unchanged_since(contact, merge.kept_values)
    load_values(contact, before)
    _describe_version(
        contact, user, f"The merge of another contact was undone ({merge.removed_id})."
    )
    entered_at = contact.stage_entered_at
    save_contact(contact, user)
    if "stage_id" in before:
        Contact.objects.filter(pk=contact.pk).update(stage_entered_at=entered_at)


def _describe_version(contact: Any, user: User, reason: str) -> None:
    """Set the author and the reason of the next version in the change history."""
    contact._history_user = user
    contact._change_reason = reason


# --- Merges within merges ---


def _with_included(merge_id: str) -> set[str]:
    """Return the ids of a merge and of all that were made before with the removed contact."""
    found = newest = {merge_id}
    while newest:
        inside = ContactMerge.objects.filter(inside__in=newest)
        newest = set(inside.values_list("pk", flat=True)) - found
        found = found | newest
    return found
