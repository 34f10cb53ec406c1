"""The rows that a merge of two contacts locks: few, because visitors wait meanwhile."""

from typing import Final

from django.db.models import QuerySet

from webchats.conversations.errors import ContactGone, ContactTooLarge
from webchats.conversations.models import Contact, Conversation

#: The conversations that one merge moves. The others of the kept contact are not touched.
MAX_CONVERSATIONS: Final = 5_000


def require_few_conversations(removed_id: str) -> None:
    """Raise ``ContactTooLarge`` if the removed contact has more than ``MAX_CONVERSATIONS``."""
    rows = Conversation.objects.filter(contact=removed_id).order_by()
    if rows[: MAX_CONVERSATIONS + 1].count() > MAX_CONVERSATIONS:
        raise ContactTooLarge(
            f"The contact has more than {MAX_CONVERSATIONS:,} conversations. It can be merged only "
            "as the contact to keep."
        )


def lock_conversations(rows: "QuerySet[Conversation]") -> None:
    """Lock conversations in the order of their ids, without keeping them in memory."""
    locked = rows.order_by("pk").select_for_update(no_key=True).values_list("pk")
    for _ in locked.iterator():
        pass


def lock_contacts(kept_id: str, removed_id: str) -> tuple[Contact, Contact]:
    """Return both contacts, locked. Raise ``ContactGone`` unless both exist."""
    found = {}
    for pk in sorted([kept_id, removed_id]):
        # New conversations may refer to the kept contact, but not to the other one.
        found[pk] = lock_contact(pk, no_key=pk == kept_id)
    kept, removed = found[kept_id], found[removed_id]
    if kept is None or removed is None:
        raise ContactGone
    return kept, removed


def lock_contact(pk: str, *, no_key: bool = True) -> Contact | None:
    """Return a locked contact; ``None`` if it does not exist."""
    rows = Contact.objects.select_for_update(of=("self",), no_key=no_key, nowait=True)
    return rows.filter(pk=pk).first()
