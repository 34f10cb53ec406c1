"""Answers of the AI, from the job to the message or draft."""

from typing import Any, ClassVar, Final, Self, TypeVar

from django.db import models

from organizations import constraints
from organizations.fields import NAME_LENGTH
from organizations.models import Prompt
from organizations.models.prompt import INSTRUCTIONS_LENGTH
from organizations.tenancy.models import TenantQuerySet, TenantScoped
from webchats.conversations.models.conversation import Conversation
from webchats.conversations.states import ReplyState

MODEL_LENGTH: Final = 100
END_REASON_LENGTH: Final = 30
ERROR_LENGTH: Final = 500

_Row_co = TypeVar("_Row_co", bound=TenantScoped, covariant=True)


class ReplyQuerySet(TenantQuerySet[_Row_co]):
    """Replies, with a filter for those that are being made."""

    def running(self) -> Self:
        """Return the replies that are being made, at most one per conversation."""
        return self.filter(state=ReplyState.RUNNING)


ReplyManager = models.Manager.from_queryset(ReplyQuerySet)


class Reply(TenantScoped):
    """One answer of the AI: its input, its text, and its cost.

    It keeps the instructions and the version of the prompt as they were, so that the origin of an
    answer can be shown after the prompt has changed or was deleted.
    """

    tenant_path = "conversation__organization_id"
    is_detail = True

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="replies", db_index=False
    )
    conversation_id: str
    state = models.CharField(max_length=11, choices=ReplyState.choices, default=ReplyState.RUNNING)
    is_draft = models.BooleanField(
        default=False,
        help_text="Whether a representative must approve the answer before the visitor gets it.",
    )
    #: The last message of the visitor that the answer takes into account.
    based_on_sequence = models.PositiveIntegerField()

    prompt = models.ForeignKey(
        Prompt, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    prompt_id: str | None
    prompt_version = models.PositiveIntegerField(default=1)
    instructions = models.TextField(max_length=INSTRUCTIONS_LENGTH, blank=True, default="")
    provider_name = models.CharField(max_length=NAME_LENGTH, blank=True, default="")
    model = models.CharField(max_length=MODEL_LENGTH, blank=True, default="")

    #: While it runs, the text that the visitor has been shown so far: empty for a draft.
    text = models.TextField(blank=True, default="")
    #: The cited sources, as in a message.
    sources: "models.JSONField[Any, Any]" = models.JSONField(blank=True, default=list)
    #: Ids of the knowledge entries that the model was given.
    knowledge: "models.JSONField[Any, Any]" = models.JSONField(blank=True, default=list)

    input_tokens = models.PositiveIntegerField(null=True, blank=True)
    output_tokens = models.PositiveIntegerField(null=True, blank=True)
    is_estimated = models.BooleanField(default=False)
    first_token_ms = models.PositiveIntegerField(null=True, blank=True)
    total_ms = models.PositiveIntegerField(null=True, blank=True)
    end_reason = models.CharField(max_length=END_REASON_LENGTH, blank=True, default="")
    #: What went wrong, for staff.
    error = models.CharField(max_length=ERROR_LENGTH, blank=True, default="")

    objects: ClassVar[ReplyManager["Reply"]] = ReplyManager()

    class Meta:
        verbose_name_plural = "replies"
        ordering = ("created_at", "id")
        indexes = (
            models.Index(fields=("conversation", "-created_at", "-id"), name="reply_newest"),
        )
        constraints = (
            constraints.one_of("state", ReplyState.values),
            models.UniqueConstraint(
                fields=("conversation",),
                condition=models.Q(state=ReplyState.RUNNING),
                name="one_running_reply_per_conversation",
            ),
            constraints.DatabaseCheckConstraint(
                condition=~models.Q(state=ReplyState.RUNNING, is_draft=True) | models.Q(text=""),
                name="reply_no_text_of_running_draft",
            ),
        )

    @property
    def is_built_in(self) -> bool:
        """Return whether the finished answer comes from the built-in search, without a model."""
        return not self.model

    def __str__(self) -> str:
        return self.text or self.get_state_display()
