"""The conversation of one visitor in one widget."""

from datetime import datetime
from typing import ClassVar, Final

from django.db import models

from organizations import constraints
from organizations.fields import TEXT_VALIDATORS
from organizations.models import Prompt, User
from organizations.tenancy.models import TenantModel
from webchats.conversations.models.contact import Contact
from webchats.conversations.models.contact_merge import ContactMerge
from webchats.conversations.models.conversation_queries import ConversationManager
from webchats.conversations.models.deletion import close_and_set_null, release_and_set_null
from webchats.conversations.models.facts import ConversationFacts, report_index
from webchats.conversations.models.rating import CHECKS, COMMENT_LENGTH, Rating
from webchats.conversations.transitions import (
    REOPEN_WITHIN,
    ClosedBy,
    Handler,
    State,
)
from webchats.models import Webchat
from webchats.models.stored_values import StoredValues

#: A visitor id is random: 32 hexadecimal characters.
VISITOR_ID_LENGTH: Final = 32
#: Characters of the last message that lists show.
PREVIEW_LENGTH: Final = 200
#: Columns that are tested within an index, so that combinations of filters without a match do not
#: read half a million rows.
_TESTED: Final = ("state", "handler", "assignee", "webchat")


class Conversation(StoredValues, ConversationFacts, TenantModel):
    """The messages of one visitor, from the first one to the closing.

    The services change it while they lock its row. ``last_sequence`` is the sequence of the newest
    message, so the number of unread messages is a subtraction.
    """

    is_detail = True

    webchat = models.ForeignKey(
        Webchat,
        on_delete=close_and_set_null,
        null=True,
        related_name="conversations",
        db_index=False,
    )
    webchat_id: str | None
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="conversations")
    contact_id: str
    #: How it came to its contact, if it was one of another contact before.
    merge = models.ForeignKey(
        ContactMerge,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="conversations",
        db_index=False,
    )
    merge_id: str | None
    visitor_id = models.CharField(max_length=VISITOR_ID_LENGTH)

    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    handler = models.CharField(max_length=10, choices=Handler.choices, default=Handler.WAITING)
    assignee = models.ForeignKey(
        User,
        on_delete=release_and_set_null,
        null=True,
        blank=True,
        related_name="conversations",
        db_index=False,
    )
    assignee_id: str | None
    prompt = models.ForeignKey(
        Prompt,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Replaces the webchat's prompt in this conversation.",
    )
    prompt_id: str | None
    is_autopilot = models.BooleanField(
        null=True, blank=True, help_text="Replaces the webchat's setting in this conversation."
    )

    last_sequence = models.PositiveIntegerField(default=0)
    visitor_read_sequence = models.PositiveIntegerField(default=0)
    organization_read_sequence = models.PositiveIntegerField(default=0)
    last_message_author = models.CharField(max_length=10)
    last_message_preview = models.CharField(max_length=PREVIEW_LENGTH, blank=True, default="")
    #: The time of the first unanswered visitor message.
    waiting_since = models.DateTimeField(null=True)
    #: When it was found to wait while nobody was online. Before ``waiting_since``: a former wait.
    unattended_at = models.DateTimeField(null=True, editable=False)
    first_reply_at = models.DateTimeField(null=True)
    #: When representatives were notified by web push the last time, and of which last message.
    pushed_at = models.DateTimeField(null=True, editable=False)
    pushed_sequence = models.PositiveIntegerField(default=0, db_default=0, editable=False)

    # The visitor's rating, with ``rating_score``. All three are empty without one.
    rating_comment = models.TextField(
        max_length=COMMENT_LENGTH, blank=True, default="", db_default="", validators=TEXT_VALIDATORS
    )
    #: The time of the first rating, which a change keeps.
    rated_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[ConversationManager["Conversation"]] = ConversationManager()

    class Meta:
        ordering = ("-last_message_at", "-id")
        # The views of the inbox, each read from an index, and the visitor's own conversations.
        indexes = (
            models.Index(
                fields=("organization", "waiting_since", "id"),
                condition=models.Q(state=State.OPEN, handler=Handler.WAITING),
                name="conversation_waiting",
            ),
            models.Index(
                fields=("organization", "-last_message_at", "-id"),
                condition=models.Q(state=State.OPEN),
                name="conversation_open",
            ),
            models.Index(
                fields=("organization", "-last_message_at", "-id", *_TESTED),
                name="conversation_newest",
            ),
            models.Index(
                fields=("organization", "-last_message_at", "-id", *_TESTED),
                condition=models.Q(last_sequence__gt=models.F("organization_read_sequence")),
                name="conversation_unread",
            ),
            models.Index(
                fields=("assignee", "-last_message_at", "-id"),
                condition=models.Q(state=State.OPEN),
                name="conversation_mine",
            ),
            models.Index(
                fields=("organization", "-last_message_at", "-id"),
                condition=models.Q(state=State.OPEN, assignee=None),
                name="conversation_unassigned",
            ),
            # Also read when a representative is deleted.
            models.Index(
                fields=("assignee", "handler", "-last_message_at", "-id", "state", "webchat"),
                condition=models.Q(assignee__isnull=False),
                name="conversation_assigned",
            ),
            models.Index(
                fields=("organization", "rating_score", "-last_message_at", "-id", *_TESTED),
                condition=models.Q(rating_score__isnull=False),
                name="conversation_rated",
            ),
            models.Index(
                fields=("webchat", "visitor_id", "-created_at", "-id"), name="conversation_resume"
            ),
            # Workers look for unanswered conversations.
            models.Index(
                fields=("last_message_at",),
                condition=models.Q(
                    state=State.OPEN, handler=Handler.AI, last_message_author="visitor"
                ),
                name="conversation_unanswered",
            ),
            # Workers look for visitors who wait while nobody is online, and e-mails list them.
            models.Index(
                fields=("waiting_since",),
                condition=models.Q(
                    models.Q(unattended_at=None)
                    | models.Q(unattended_at__lt=models.F("waiting_since")),
                    state=State.OPEN,
                    waiting_since__isnull=False,
                ),
                name="conversation_unreported",
            ),
            models.Index(
                fields=("organization", "unattended_at"),
                condition=models.Q(state=State.OPEN, unattended_at__gte=models.F("waiting_since")),
                name="conversation_unattended",
            ),
            models.Index(
                fields=("merge",),
                condition=models.Q(merge__isnull=False),
                name="conversation_merged",
            ),
            report_index("conversation_reported"),
            # Read when a representative or a prompt is deleted.
            *(
                models.Index(
                    fields=(name,),
                    condition=models.Q((f"{name}__isnull", False)),
                    name=f"conversation_{name}",
                )
                for name in ("answered_by", "ai_prompt")
            ),
            # Streams of staff look for changes that no hint reported.
            models.Index(fields=("organization", "updated_at"), name="conversation_changed"),
        )
        constraints = (
            *CHECKS,
            constraints.one_of("state", State.values),
            constraints.one_of("handler", Handler.values),
            constraints.one_of("closed_by", ["", *ClosedBy.values]),
            constraints.length_between("visitor_id", 1, VISITOR_ID_LENGTH),
            models.UniqueConstraint(
                fields=("webchat", "visitor_id"),
                condition=models.Q(state=State.OPEN),
                name="one_open_conversation_per_visitor",
            ),
            constraints.DatabaseCheckConstraint(
                condition=models.Q(state=State.CLOSED) | models.Q(closed_at=None),
                name="conversation_closed_at",
            ),
            constraints.DatabaseCheckConstraint(
                condition=models.Q(visitor_read_sequence__lte=models.F("last_sequence"))
                & models.Q(organization_read_sequence__lte=models.F("last_sequence")),
                name="conversation_read_up_to_last",
            ),
        )

    def __str__(self) -> str:
        return self.last_message_preview or str(self.pk)

    @property
    def unread(self) -> int:
        """Return the number of messages that no member of the organization has read."""
        return self.last_sequence - self.organization_read_sequence

    @property
    def is_answered_by_ai(self) -> bool:
        """Return whether the conversation is open and the AI is its handler."""
        return (self.state, self.handler) == (State.OPEN, Handler.AI)

    @property
    def rating(self) -> Rating | None:
        """Return the rating, or ``None`` if the visitor has not rated the conversation."""
        if self.rating_score is None or self.rated_at is None:
            return None
        return Rating(self.rating_score, self.rating_comment, self.rated_at)

    def is_over(self, now: datetime) -> bool:
        """Return whether a message of the visitor at ``now`` starts a new conversation."""
        return self.closed_at is not None and now - self.closed_at > REOPEN_WITHIN
