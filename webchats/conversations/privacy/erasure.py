"""The erasure of a person: the request, which hides them from visitors, and the deletion.

The request closes the person's conversations and detaches them from the visitor, whose next message
starts a new one. A worker then deletes them in transactions of limited size. Each stores its
progress, so that another worker can continue if one dies.
"""

from collections.abc import Callable, Iterator
from typing import Final

from django.db import connection, transaction
from django.db.models import Count, F, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from organizations.jobs.queue import enqueue
from organizations.models import User
from webchats.conversations import services
from webchats.conversations.events import visitor_erased
from webchats.conversations.locking import lock_contact
from webchats.conversations.models import Contact, Conversation, Erasure, ErasureState
from webchats.conversations.models.deletion import DETACHED
from webchats.conversations.privacy.mentions import delete_mentions
from webchats.conversations.privacy.removal import Deleted, delete_contacts, delete_some
from webchats.conversations.transitions import ClosedBy, State

#: The kind of the job. Its key is the id of the erasure.
ERASURE_JOB: Final = "erasure"
#: Conversations that are read at a time.
_BATCH: Final = 200


@transaction.atomic
def request_erasure(*, contact: Contact, user: User | None) -> Erasure:
    """Detach the contact's conversations from their visitors, and let a worker delete everything.

    Return the erasure that is not finished if there is one. Raise ``ContactGone`` if the contact
    was merged or deleted meanwhile.
    """
    visitors = _detach(contact)
    # After the conversations, as messages of the visitor do.
    lock_contact(contact.pk)
    erasure = Erasure.objects.unfinished().filter(contact_id=contact.pk).first()
    if erasure is None:
        totals = Conversation.objects.filter(contact=contact).aggregate(
            conversations=Count("pk"), messages=Coalesce(Sum("last_sequence"), 0)
        )
        erasure = Erasure.objects.create(
            organization_id=contact.organization_id,
            contact_id=contact.pk,
            requested_by=user,
            total_conversations=totals["conversations"],
            total_messages=totals["messages"],
        )
    request_job(erasure)
    for conversation in visitors.values():
        visitor_erased(conversation)
    return erasure


def request_job(erasure: Erasure) -> None:
    """Let a worker delete the remaining rows."""
    enqueue(ERASURE_JOB, key=erasure.pk, organization_id=erasure.organization_id)


def _detach(contact: Contact) -> dict[tuple[str | None, str], Conversation]:
    """Close the contact's conversations, and let no session find them.

    Return one conversation for each visitor, as it was before.
    """
    visitors: dict[tuple[str | None, str], Conversation] = {}
    rows = Conversation.objects.filter(contact=contact).exclude(visitor_id=DETACHED)
    # Again for those that a visitor has reopened meanwhile.
    while batch := list(rows.order_by("pk")[:_BATCH]):
        for conversation in batch:
            if conversation.state == State.OPEN:
                services.close(conversation=conversation, by=ClosedBy.SYSTEM)
            visitors[conversation.webchat_id, conversation.visitor_id] = conversation
        closed = Conversation.objects.filter(pk__in=[row.pk for row in batch], state=State.CLOSED)
        closed.update(visitor_id=DETACHED, updated_at=timezone.now())
    return visitors


def erase(erasure: Erasure, *, check: Callable[[], None] = lambda: None) -> Iterator[Deleted]:
    """Delete everything about the contact, and yield the rows of each transaction.

    ``check`` is called within each: if it raises an exception, nothing more is deleted.
    """
    while any(deleted := _erase_some(erasure, check)):
        yield deleted


def truncate_log() -> None:
    """Empty SQLite's write-ahead log, which has older pages of the database until then."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@transaction.atomic
def _erase_some(erasure: Erasure, check: Callable[[], None]) -> Deleted:
    """Delete some of the conversations, or the contact if none is left."""
    rows = Conversation.objects.filter(contact=erasure.contact_id).order_by("pk")
    deleted = delete_some(rows.select_for_update(of=("self",)), check)
    if any(deleted):
        _set(
            erasure,
            state=ErasureState.RUNNING,
            deleted_conversations=F("deleted_conversations") + deleted.conversations,
            deleted_messages=F("deleted_messages") + deleted.messages,
        )
        return deleted
    contacts = Contact.objects.select_for_update(of=("self",)).filter(pk=erasure.contact_id)
    found = list(contacts)
    for contact in found:
        delete_mentions(contact)
    delete_contacts([erasure.contact_id])
    _set(erasure, state=ErasureState.DONE, finished_at=timezone.now())
    return Deleted(contacts=len(found))


def _set(erasure: Erasure, **values: object) -> None:
    rows = Erasure.objects.filter(pk=erasure.pk)
    rows.update(**values, updated_at=timezone.now())
