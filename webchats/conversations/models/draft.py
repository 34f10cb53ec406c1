"""Answers of the AI that a representative must approve."""

from typing import ClassVar, Final, Self, TypeVar

from django.db import models
from django.utils import timezone

from organizations import constraints
from organizations.fields import TEXT_VALIDATORS
from organizations.models import User
from organizations.tenancy.models import TenantModel, TenantQuerySet, TenantScoped
from webchats.conversations.models.conversation import Conversation
from webchats.conversations.models.message import MAX_TEXT_LENGTH
from webchats.conversations.models.reply import Reply
from webchats.conversations.states import DraftState

MAX_COMMENT_LENGTH: Final = 2_000

_Row_co = TypeVar("_Row_co", bound=TenantScoped, covariant=True)


class RejectionReason(models.TextChoices):
    """The reason why a draft was rejected."""

    WRONG = "wrong", "Wrong"
    TONE = "tone", "Wrong tone"
    MISSING_KNOWLEDGE = "missing_knowledge", "Missing knowledge"
    NOT_FOR_AI = "not_for_ai", "Not for automatic answers"


class DraftQuerySet(TenantQuerySet[_Row_co]):
    """Drafts, with a filter for those without a decision."""

    def pending(self) -> Self:
        """Return the drafts that wait for a decision, at most one per conversation."""
        return self.filter(state=DraftState.PENDING)


DraftManager = models.Manager.from_queryset(DraftQuerySet)


class Draft(TenantModel):
    """A finished answer of the AI that waits for approval, or the decision about it.

    ``text`` is always the draft's own text, and ``sent_text`` the text that was sent: they differ
    if the draft was edited. No visitor query may read this table.
    """

    is_detail = True

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="drafts")
    conversation_id: str
    reply = models.OneToOneField(Reply, on_delete=models.CASCADE, related_name="draft")
    reply_id: str
    state = models.CharField(max_length=10, choices=DraftState.choices, default=DraftState.PENDING)
    #: Increased by every change, so that of two decisions at once only one is made.
    version = models.PositiveIntegerField(default=1)
    text = models.TextField(blank=True, default="", validators=TEXT_VALIDATORS)
    sent_text = models.TextField(blank=True, default="", validators=TEXT_VALIDATORS)
    reason = models.CharField(
        max_length=20, choices=RejectionReason.choices, blank=True, default=""
    )
    comment = models.TextField(
        max_length=MAX_COMMENT_LENGTH, blank=True, default="", validators=TEXT_VALIDATORS
    )
    is_stale = models.BooleanField(
        default=False, help_text="Whether the visitor has written since, while it was edited."
    )
    editing_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    editing_by_id: str | None
    editing_until = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    decided_by_id: str | None
    decided_at = models.DateTimeField(null=True, blank=True)
    #: The last message of the visitor that the text takes into account.
    based_on_sequence = models.PositiveIntegerField()

    objects: ClassVar[DraftManager["Draft"]] = DraftManager()

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(fields=("organization", "-created_at", "-id"), name="draft_newest"),
            models.Index(
                fields=("organization", "-created_at", "-id"),
                condition=models.Q(state=DraftState.PENDING),
                name="draft_pending",
            ),
        )
        constraints = (
            constraints.one_of("state", DraftState.values),
            constraints.one_of("reason", ["", *RejectionReason.values]),
            constraints.length_between("text", 0, MAX_TEXT_LENGTH),
            constraints.length_between("sent_text", 0, MAX_TEXT_LENGTH),
            constraints.length_between("comment", 0, MAX_COMMENT_LENGTH),
            models.UniqueConstraint(
                fields=("conversation",),
                condition=models.Q(state=DraftState.PENDING),
                name="one_pending_draft_per_conversation",
            ),
            constraints.DatabaseCheckConstraint(
                condition=models.Q(state=DraftState.FAILED) | ~models.Q(text=""),
                name="draft_with_text",
            ),
            constraints.DatabaseCheckConstraint(
                condition=models.Q(state=DraftState.SENT, sent_text__length__gte=1)
                | (~models.Q(state=DraftState.SENT) & models.Q(sent_text="")),
                name="draft_sent_text_only_if_sent",
            ),
        )

    def __str__(self) -> str:
        return self.text or self.get_state_display()

    @property
    def is_edited(self) -> bool:
        """Return whether another text than the draft's was sent."""
        return self.state == DraftState.SENT and self.sent_text != self.text

    @property
    def is_being_edited(self) -> bool:
        """Return whether a representative is editing the draft now."""
        return self.editing_until is not None and self.editing_until > timezone.now()
