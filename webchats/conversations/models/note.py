"""Notes of representatives on a conversation."""

from typing import Final

from django.db import models

from organizations import constraints
from organizations.fields import TrimmedTextField
from organizations.models import User
from organizations.tenancy.models import TenantScoped
from webchats.conversations.models.conversation import Conversation

MAX_NOTE_LENGTH: Final = 4_000
#: Notes of one conversation. Its page shows all of them.
MAX_NOTES: Final = 200
MAX_NOTES_BYTES: Final = 256 * 1024


class Note(TenantScoped):
    """Text for staff only. In a separate table, so that no visitor query can return it."""

    tenant_path = "conversation__organization_id"
    is_detail = True

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="notes")
    conversation_id: str
    user = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    user_id: str | None
    text = TrimmedTextField(max_length=MAX_NOTE_LENGTH)

    class Meta:
        ordering = ("created_at", "id")
        constraints = (constraints.length_between("text", 1, MAX_NOTE_LENGTH),)

    def __str__(self) -> str:
        return self.text
