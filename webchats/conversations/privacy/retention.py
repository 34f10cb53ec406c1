"""Retention: the deletion of old conversations and contacts.

Workers and commands may run it at the same time: each locks the rows that it deletes.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from organizations.models import Organization
from webchats.conversations.models import Contact, Conversation, ConversationQuerySet
from webchats.conversations.privacy.removal import (
    BATCH,
    Deleted,
    delete_contacts,
    delete_some,
)
from webchats.conversations.transitions import State

#: Rows that are counted. More are shown as “more than”.
MAX_COUNTED: Final = 10_000


class Due(NamedTuple):
    """The number of rows that the next run deletes: ``MAX_COUNTED + 1`` for more than that."""

    conversations: int
    contacts: int


def _no_check() -> None:
    """Do nothing: the caller has no lease."""


def apply_retention(
    organization: Organization, *, check: Callable[[], None] = _no_check
) -> Iterator[Deleted]:
    """Delete the due rows, and yield those of each transaction.

    ``check`` is called within each: if it raises an exception, nothing more is deleted.
    """
    now = timezone.now()
    conversations = due_conversations(organization, now)
    while any(deleted := _delete_conversations(conversations, check)):
        yield deleted
    contacts = due_contacts(organization, now).order_by("last_seen_at", "pk")
    after = contacts
    while batch := list(after[:BATCH]):
        yield _delete_contacts([contact.pk for contact in batch], check)
        last = batch[-1]
        later = Q(last_seen_at__gt=last.last_seen_at)
        after = contacts.filter(later | Q(last_seen_at=last.last_seen_at, pk__gt=last.pk))


def count_due(organization: Organization) -> Due:
    """Return the rows that a run would delete now. The organization may have unsaved settings."""
    now = timezone.now()
    return Due(
        conversations=_count(due_conversations(organization, now)),
        contacts=_count(due_contacts(organization, now)),
    )


def describe_due(organization: Organization) -> list[str]:
    """Return the numbers of due rows, such as ``["1 conversation", "3 contacts"]``."""
    conversations, contacts = count_due(organization)
    return Deleted(conversations, contacts=contacts).describe(MAX_COUNTED)


def due_conversations(
    organization: Organization, now: datetime
) -> ConversationQuerySet[Conversation]:
    """Return the organization's conversations that were closed too long ago."""
    rows = Conversation.objects.for_organization(organization.pk)
    is_due = _is_due(organization, now)
    return rows.none() if is_due is None else rows.filter(is_due)


def due_contacts(organization: Organization, now: datetime) -> "QuerySet[Contact]":
    """Return the organization's contacts that were not seen for too long.

    Without those with a conversation that stays.
    """
    days = organization.contact_retention_days
    if days is None:
        return Contact.objects.none()
    conversations = Conversation.objects.filter(contact=OuterRef("pk")).order_by()
    is_due = _is_due(organization, now)
    kept = conversations if is_due is None else conversations.exclude(is_due)
    rows = Contact.objects.for_organization(organization.pk)
    return rows.filter(~Exists(kept), last_seen_at__lte=now - timedelta(days=days))


def _is_due(organization: Organization, now: datetime) -> Q | None:
    """Return the condition of conversations; ``None`` if all are kept."""
    if organization.retention_days is None:
        return None
    before = now - timedelta(days=organization.retention_days)
    # The last message is no later, and has an index.
    return Q(state=State.CLOSED, closed_at__lte=before, last_message_at__lte=before)


def _count(rows: "QuerySet[Conversation] | QuerySet[Contact]") -> int:
    return rows.order_by()[: MAX_COUNTED + 1].count()


@transaction.atomic
def _delete_conversations(
    due: ConversationQuerySet[Conversation], check: Callable[[], None]
) -> Deleted:
    """Delete some of the conversations, without those that others have locked."""
    rows = due.order_by("last_message_at", "pk")
    if connection.features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(of=("self",), skip_locked=True)
    return delete_some(rows, check)


@transaction.atomic
def _delete_contacts(ids: list[str], check: Callable[[], None]) -> Deleted:
    """Delete those of the contacts that have no conversation."""
    rows = Contact.objects.filter(pk__in=ids).order_by("pk")
    found = [row.pk for row in rows.only("pk").select_for_update(of=("self",))]
    check()
    conversations = Conversation.objects.filter(contact__in=found).order_by()
    used = set(conversations.values_list("contact_id", flat=True).distinct())
    chosen = [pk for pk in found if pk not in used]
    delete_contacts(chosen)
    return Deleted(contacts=len(chosen))
