"""Notes for staff."""

from django.core.exceptions import ValidationError
from django.db import transaction

from organizations.models import User
from organizations.tenancy.large_responses import Bytes
from webchats.conversations.events import conversation_changed
from webchats.conversations.locking import lock
from webchats.conversations.models import Conversation, Note
from webchats.conversations.models.note import MAX_NOTES, MAX_NOTES_BYTES
from webchats.conversations.services.unsent_texts import delete_unsent_text


def add_note(*, conversation: Conversation, user: User, text: str) -> Note:
    """Store a note for staff.

    Raise ``ValidationError`` for a text that is empty or too long, and for one note too many.
    """
    note = Note(conversation=conversation, user=user, text=text)
    note.full_clean()
    with transaction.atomic():
        locked = lock(conversation)
        others = locked.notes.order_by().values_list(Bytes("text"), flat=True)
        if len(others) >= MAX_NOTES or sum(others) + len(text.encode()) > MAX_NOTES_BYTES:
            message = (
                f"A conversation has at most {MAX_NOTES} notes with {MAX_NOTES_BYTES // 1024} KiB. "
                "Close it to start another."
            )
            raise ValidationError({"text": message}, "limit_reached")
        note.save(force_insert=True)
        delete_unsent_text(conversation, user)
        conversation_changed(conversation)
    return note
