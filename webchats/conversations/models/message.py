"""One message, or one event, of a conversation."""

from typing import Any, Final

from django.db import models

from organizations import constraints
from organizations.fields import NAME_LENGTH, TEXT_VALIDATORS, TrimmedCharField
from organizations.models import User
from organizations.tenancy.models import TenantScoped
from webchats.conversations.models.conversation import Conversation
from webchats.conversations.models.reply import Reply

MAX_TEXT_LENGTH: Final = 4_000
MAX_CLIENT_KEY_LENGTH: Final = 64
MAX_EVENT_LENGTH: Final = 30


class Author(models.TextChoices):
    """The author of a message."""

    VISITOR = "visitor", "Visitor"
    AI = "ai", "Automatic answer"
    REP = "rep", "Representative"
    SYSTEM = "system", "System"


class MessageKind(models.TextChoices):
    """Whether a message has text, or reports an event such as ``closed``."""

    TEXT = "text", "Text"
    EVENT = "event", "Event"


class Message(TenantScoped):
    """A row that is never changed. ``sequence`` counts from 1 without gaps per conversation."""

    tenant_path = "conversation__organization_id"
    is_detail = True

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages", db_index=False
    )
    conversation_id: str
    #: That of the conversation: the index ``message_search`` has it. The conversation's foreign key
    #: and deletion are enough.
    organization = models.ForeignKey(
        "organizations.Organization",
        on_delete=models.DO_NOTHING,
        null=True,
        editable=False,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    organization_id: str | None
    sequence = models.PositiveIntegerField()
    author = models.CharField(max_length=10, choices=Author.choices)
    #: As it was when the message was sent.
    author_name = TrimmedCharField(max_length=NAME_LENGTH, blank=True, default="")
    user = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    user_id: str | None
    approved_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    approved_by_id: str | None
    #: Of a message of the AI.
    reply = models.ForeignKey(
        Reply, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    reply_id: str | None
    kind = models.CharField(max_length=10, choices=MessageKind.choices, default=MessageKind.TEXT)
    #: Stored as it was written, except for masked card numbers. Never HTML.
    text = models.TextField(blank=True, default="", validators=TEXT_VALIDATORS)
    #: The sources that an answer of the AI cites: list of ``SourceDocument``.
    sources: "models.JSONField[Any, Any]" = models.JSONField(
        blank=True, default=list, db_default=[]
    )
    event = models.CharField(max_length=MAX_EVENT_LENGTH, blank=True, default="")
    #: Chosen by the client, so that sending again does not add the message again.
    client_key = models.CharField(
        max_length=MAX_CLIENT_KEY_LENGTH, blank=True, default="", validators=TEXT_VALIDATORS
    )

    class Meta:
        ordering = ("conversation", "sequence")
        # Read when a user or a reply is deleted. A visitor's message is in none of them.
        indexes = tuple(
            models.Index(
                fields=(name,),
                condition=models.Q((f"{name}__isnull", False)),
                name=f"message_{name}",
            )
            for name in ("user", "approved_by", "reply")
        )
        constraints = (
            models.UniqueConstraint(
                fields=("conversation", "sequence"), name="message_sequence_once"
            ),
            models.UniqueConstraint(
                fields=("conversation", "client_key"),
                condition=~models.Q(client_key=""),
                name="message_client_key_once",
            ),
            constraints.one_of("author", Author.values),
            constraints.one_of("kind", MessageKind.values),
            constraints.length_between("text", 0, MAX_TEXT_LENGTH),
            constraints.DatabaseCheckConstraint(
                condition=models.Q(sequence__gte=1), name="message_sequence_from_one"
            ),
            constraints.DatabaseCheckConstraint(
                condition=(
                    models.Q(kind=MessageKind.TEXT, event="", text__length__gte=1)
                    | (models.Q(kind=MessageKind.EVENT) & ~models.Q(event=""))
                ),
                name="message_text_or_event",
            ),
        )

    def __str__(self) -> str:
        return self.text or self.event
