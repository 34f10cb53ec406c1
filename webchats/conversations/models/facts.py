"""The events of a conversation as numbers and times, the data of the reports.

The actions on conversations write these columns when something happens, under the lock of the row:
see ``webchats.conversations.facts``. They contain nothing about the visitor.
"""

from typing import ClassVar, Final

from django.db import models

from organizations.models import Prompt, User
from organizations.tenancy.models import TenantManager, TenantModel
from webchats.conversations.models.flags import flags_field
from webchats.conversations.models.rating import SCORE_VALIDATORS
from webchats.conversations.transitions import ClosedBy
from webchats.models import Webchat


def _count() -> "models.PositiveIntegerField[int, int]":
    return models.PositiveIntegerField(default=0, db_default=0, editable=False)


def _flag() -> "models.BooleanField[bool, bool]":
    return models.BooleanField(default=False, db_default=False, editable=False)


def _duration() -> "models.PositiveIntegerField[int | None, int | None]":
    """Return a column for seconds as ``durations.measure`` rounds them."""
    return models.PositiveIntegerField(null=True, editable=False)


class ConversationFacts(models.Model):
    """The columns of a conversation that the reports read, and that outlive its row."""

    #: The time of the first visitor message, which puts the conversation into a period.
    first_message_at = models.DateTimeField(null=True, editable=False)
    last_message_at = models.DateTimeField()
    #: From the first visitor message to the first public message of the AI or a representative.
    reply_seconds = _duration()

    #: The time of the first visitor message that has no answer, also after the closing.
    unanswered_since = models.DateTimeField(null=True, editable=False)
    #: The waits that ended: from a visitor message to the next answer.
    wait_count = _count()
    #: The sum in whole seconds.
    wait_seconds = _count()
    longest_wait_seconds = _duration()

    #: Whether the AI was the handler at any time.
    had_ai = _flag()
    #: Whether the visitor got a message of the AI, also as an approved draft.
    ai_wrote = _flag()
    #: Whether a representative wrote. The approval of a draft is no message.
    rep_wrote = _flag()
    #: The first time that the AI, or the visitor instead of it, called a person.
    handed_over_at = models.DateTimeField(null=True, editable=False)
    #: Whether the visitor asked the AI for a person.
    asked_for_person = _flag()
    #: From the first hand-over to the next message of a representative.
    rep_reply_seconds = _duration()
    #: The last representative to write.
    answered_by = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        db_index=False,
    )
    answered_by_id: str | None
    #: The prompt of the first reply that the AI made, and its version: 0 without one.
    ai_prompt = models.ForeignKey(
        Prompt,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        db_index=False,
    )
    ai_prompt_id: str | None
    ai_prompt_version = _count()

    drafts_sent = _count()
    drafts_edited = _count()
    drafts_rejected = _count()
    drafts_superseded = _count()
    #: The words of the drafts that were edited, and how many of them were changed.
    edited_words = _count()
    changed_words = _count()

    #: The last closing. Empty while it is open.
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(
        max_length=10, choices=ClosedBy.choices, blank=True, default="", db_default=""
    )
    #: From the first visitor message to the last closing.
    resolution_seconds = _duration()
    reopen_count = _count()
    #: Whether the visitor was asked for a rating.
    is_surveyed = _flag()
    rating_score = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=SCORE_VALIDATORS
    )

    #: What reports count most, from the columns above.
    flags = flags_field()

    class Meta:
        abstract = True


#: The names of the columns of ``ConversationFacts`` that the services write.
FACTS: Final = tuple(
    field.attname for field in ConversationFacts._meta.local_fields if not field.generated
)
#: The fields that reports read, besides those that ``flags`` contains.
REPORTED: Final = (
    *("flags", "last_message_at", "wait_count", "wait_seconds"),
    *("reply_seconds", "rep_reply_seconds", "longest_wait_seconds", "resolution_seconds"),
    *("webchat", "answered_by", "ai_prompt", "ai_prompt_version"),
    *("drafts_sent", "drafts_edited", "drafts_rejected", "drafts_superseded"),
    *("edited_words", "changed_words"),
)


def report_index(name: str) -> models.Index:
    """Return the index from which PostgreSQL reads all that a report needs, without the rows."""
    return models.Index(fields=("organization", "first_message_at"), include=REPORTED, name=name)


class RetainedConversation(ConversationFacts, TenantModel):
    """The facts of a conversation that was deleted, so that the reports of its time stay the same.

    It has no visitor, contact or text. Its id cannot be traced back to the conversation's.
    """

    is_detail = True

    webchat = models.ForeignKey(
        Webchat, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    webchat_id: str | None

    objects: ClassVar[TenantManager["RetainedConversation"]] = TenantManager()

    class Meta:
        ordering = ("first_message_at", "id")
        indexes = (report_index("retained_reported"),)

    def __str__(self) -> str:
        return str(self.pk)
