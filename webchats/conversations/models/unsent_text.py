"""Text that a representative has written in a conversation and not sent."""

from django.db import models

from organizations import constraints
from organizations.models import User
from organizations.tenancy.models import TenantScoped
from webchats.conversations.models.conversation import Conversation
from webchats.conversations.models.message import MAX_TEXT_LENGTH


class UnsentText(TenantScoped):
    """The text in the composer of one user, at most one per conversation. Only for this user."""

    tenant_path = "conversation__organization_id"
    is_detail = True

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="unsent_texts", db_index=False
    )
    conversation_id: str
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    user_id: str
    text = models.TextField(max_length=MAX_TEXT_LENGTH)
    is_note = models.BooleanField(default=False, help_text="Whether it was written as a note.")

    class Meta:
        ordering = ("created_at", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("conversation", "user"), name="one_unsent_text_per_conversation"
            ),
            constraints.length_between("text", 1, MAX_TEXT_LENGTH),
        )

    def __str__(self) -> str:
        return self.text
