"""Deletion of conversations and contacts, with everything that was written about them.

Each function runs in its caller's transaction, which has locked the rows.
"""

from collections.abc import Callable, Collection
from itertools import accumulate
from math import inf
from typing import Any, Final, NamedTuple

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Q

from organizations.models import Job
from webchats.conversations.models import (
    Contact,
    ContactMerge,
    Conversation,
    ConversationQuerySet,
    Draft,
    Message,
    Reply,
)
from webchats.conversations.models.deletion import DETACHED
from webchats.conversations.reports.retained import retain

#: Messages that one transaction deletes, so that no lock is held for seconds.
MAX_MESSAGES: Final = 2_000
#: Conversations or contacts that one transaction deletes.
BATCH: Final = 200


class Deleted(NamedTuple):
    """The rows that one transaction has deleted."""

    conversations: int = 0
    messages: int = 0
    contacts: int = 0

    def plus(self, other: "Deleted") -> "Deleted":
        """Return the sums."""
        return Deleted(*(own + more for own, more in zip(self, other, strict=True)))

    def describe(self, most: float = inf) -> list[str]:
        """Return texts such as ``["1 conversation", "3 contacts"]``, for numbers up to ``most``."""
        counts = {name: count for name, count in self._asdict().items() if count}
        return [describe(count, name, most) for name, count in counts.items()]


def describe(count: int, nouns: str, most: float = inf) -> str:
    """Return a text such as ``1 note``, ``1,200 notes`` or ``more than 10,000 notes``."""
    if count > most:
        return f"more than {most:,} {nouns}"
    return f"{count:,} {nouns.removesuffix('s') if count == 1 else nouns}"


def delete_some(rows: ConversationQuerySet[Conversation], check: Callable[[], None]) -> Deleted:
    """Delete the first of the ordered conversations, or some messages of one with many.

    Return nothing if there are none. ``check`` is called once they are locked.
    """
    batch = list(rows.select_related(None).only("pk", "last_sequence", "organization_id")[:BATCH])
    check()
    if not batch:
        return Deleted()
    if _has_many_messages(batch[0]):
        # From now on, no other transaction changes its rows.
        Conversation.objects.filter(pk=batch[0].pk).update(visitor_id=DETACHED)
        return Deleted(messages=_delete_oldest_messages(batch[0]))
    totals = accumulate(row.last_sequence for row in batch)
    chosen = [row.pk for row, total in zip(batch, totals, strict=True) if total <= MAX_MESSAGES]
    chosen = chosen or [batch[0].pk]
    organizations = {row.organization_id for row in batch}
    return Deleted(conversations=len(chosen), messages=_delete_conversations(chosen, organizations))


def _has_many_messages(conversation: Conversation) -> bool:
    """Return whether more than ``MAX_MESSAGES`` messages are left of the conversation."""
    if conversation.last_sequence <= MAX_MESSAGES:
        return False
    rows = Message.objects.filter(conversation=conversation).order_by()
    return rows[: MAX_MESSAGES + 1].count() > MAX_MESSAGES


def _delete_oldest_messages(conversation: Conversation) -> int:
    """Delete the first messages of a conversation with many, and their replies and drafts.

    Return their number.
    """
    messages = Message.objects.filter(conversation=conversation)
    first = messages.order_by("sequence").values_list("sequence", flat=True)[0]
    end = first + MAX_MESSAGES
    deleted, _ = messages.filter(sequence__lt=end).delete()
    replies = Reply.objects.filter(conversation=conversation, based_on_sequence__lt=end)
    Draft.objects.filter(reply__in=replies).delete()
    replies.delete()
    return deleted


def _delete_conversations(ids: Collection[str], organizations: Collection[str]) -> int:
    """Delete conversations of ``organizations``, whose figures are kept.

    Return the number of their messages.
    """
    rows = Conversation.objects.filter(pk__in=ids)
    retain(rows)
    # In this order: Django would first set the replies of the messages to null.
    Draft.objects.filter(conversation__in=ids).delete()
    messages, _ = Message.objects.filter(conversation__in=ids).delete()
    Reply.objects.filter(conversation__in=ids).delete()
    rows.delete()
    keys = Q(key__in=ids)
    for conversation_id in ids:
        # Of one device: the id of its subscription follows.
        keys |= Q(key__startswith=f"{conversation_id}:")
    Job.objects.filter(keys, organization__in=organizations).delete()
    _delete_log(Conversation, ids)
    return messages


def delete_contacts(ids: Collection[str]) -> None:
    """Delete contacts, which have no conversations, with their history.

    Also the history of the contacts that were merged into them. Their merges keep no values.
    """
    every_id = [*ids, *find_merged(ids)]
    Contact.objects.filter(pk__in=ids).delete()
    # After the deletion, which adds a record. Any: django-simple-history has no type information.
    history: Any = Contact.history
    history.filter(id__in=every_id).delete()
    _delete_log(Contact, every_id)


def find_merged(ids: Collection[str]) -> list[str]:
    """Return the ids of the contacts that are part of these, by merges that were not undone."""
    merges = ContactMerge.objects.in_effect().filter(contact__in=ids)
    return list(merges.values_list("removed_id", flat=True))


def _delete_log(model: type[models.Model], ids: Collection[str]) -> None:
    """Delete the entries of the admin site's log, which have the name of each row."""
    content_type = ContentType.objects.get_for_model(model)
    LogEntry.objects.filter(content_type=content_type, object_id__in=ids).delete()
