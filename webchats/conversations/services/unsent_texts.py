"""Storage of text that a representative has not sent yet."""

from organizations.models import User
from webchats.conversations.message_queries import has_unsent_text
from webchats.conversations.models import Conversation, UnsentText


def save_unsent_text(
    *, conversation: Conversation, user: User, text: str, is_note: bool = False
) -> None:
    """Store the unsent text of ``user`` in the conversation. A blank text deletes it.

    The text must have passed ``validation``, except that it may be blank.
    """
    if text.strip():
        UnsentText.objects.update_or_create(
            conversation=conversation, user=user, defaults={"text": text, "is_note": is_note}
        )
    else:
        delete_unsent_text(conversation, user)


def delete_unsent_text(conversation: Conversation, user: User) -> None:
    """Delete the unsent text of ``user`` in the conversation, for example after sending it."""
    if has_unsent_text(conversation.pk, user.pk):
        UnsentText.objects.filter(conversation=conversation, user=user).delete()
