"""The figures of a report. Durations are seconds, as ``durations.measure`` rounds them.

A share is a number from 0 to 1, or ``None`` of nothing. ``docs/reports.md`` has the definitions.
Names of counts are keys for ``find_conversations``, except where another key is given.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from webchats.conversations.reports.filters import ReportFilter
from webchats.conversations.reports.periods import Period


@dataclass(frozen=True)
class Durations:
    """Durations of conversations: their number, median and 90th percentile (nearest rank)."""

    count: int
    median: int | None
    percentile_90: int | None


@dataclass(frozen=True)
class FirstReplies:
    """The first reply, and the first one of a representative after the hand-over."""

    #: Key ``first_reply``.
    reply: Durations
    without_answer: int
    #: Key ``rep_reply``.
    rep_reply: Durations
    without_rep_reply: int


@dataclass(frozen=True)
class Waiting:
    """The waits of visitors: from a message to the next answer."""

    #: Waits that ended, of all conversations. Their conversations have the key ``waits``.
    wait_count: int
    #: The mean of these waits in seconds.
    mean: float | None
    #: The longest wait of each conversation.
    longest: Durations
    #: Conversations whose visitor has no answer to the last message.
    unanswered: int


@dataclass(frozen=True)
class Resolution:
    """From the first message to the last closing. An open conversation is unresolved."""

    #: Key ``resolved``.
    resolved: Durations
    unresolved: int
    reopened: int
    #: Of all conversations that were closed at least once.
    reopen_rate: float | None


@dataclass(frozen=True)
class AiFigures:
    """What the AI achieved. The rates are shares of ``with_ai``."""

    with_ai: int
    ai_confirmed: int
    confirmed_rate: float | None
    ai_assumed: int
    assumed_rate: float | None
    handed_over: int
    hand_over_rate: float | None
    #: Those of ``handed_over`` in which the visitor asked for it.
    asked_for_person: int


@dataclass(frozen=True)
class DraftFigures:
    """Decisions about drafts. The numbers are of drafts, the keys give their conversations."""

    drafts_sent: int
    drafts_edited: int
    drafts_rejected: int
    drafts_superseded: int
    #: Sent unchanged / (sent unchanged + edited + rejected).
    acceptance: float | None
    edited_words: int
    changed_words: int
    #: Changed words / words, of the edited drafts.
    edit_size: float | None


@dataclass(frozen=True)
class RatingGroup:
    """Ratings: the number of each score from 1 to 5. The key of each is ``key=SCORE``."""

    #: ``rating``, ``rating_ai_only`` or ``rating_with_rep``.
    key: str
    distribution: dict[int, int]
    count: int
    #: The share of 4 and 5.
    satisfied: float | None
    #: ``None`` below ten ratings.
    mean: float | None


@dataclass(frozen=True)
class RatingFigures:
    """Ratings of all conversations, and by author of the answers."""

    surveyed: int
    #: Key ``rated``.
    rated: int
    #: Of those that were asked.
    response_rate: float | None
    all: RatingGroup
    ai_only: RatingGroup
    with_rep: RatingGroup


@dataclass(frozen=True)
class Bar:
    """A number of conversations. ``key`` is for ``find_conversations``."""

    key: str
    label: str
    count: int


@dataclass(frozen=True)
class DayBar(Bar):
    """The conversations of a day."""

    day: date


@dataclass(frozen=True)
class RowBar(Bar):
    """The conversations of a webchat, representative or prompt. ``id`` is ``None`` of none."""

    id: str | None


@dataclass(frozen=True)
class Volume:
    """The conversations by time, webchat, representative and prompt version."""

    days: list[DayBar]
    #: Seven lists from Monday on, of 24 hours each. The keys are ``hour=1-0`` to ``hour=7-23``.
    hours: list[list[Bar]]
    webchats: list[RowBar]
    reps: list[RowBar]
    prompts: list[RowBar]


@dataclass(frozen=True)
class PromptUsage:
    """The calls of a model for a version of a prompt, made in the period."""

    prompt_id: str | None
    name: str
    version: int
    calls: int
    input_tokens: int
    output_tokens: int
    #: Calls whose tokens are estimated.
    estimated: int
    #: ``None`` if no call has a price.
    cost: Decimal | None


@dataclass(frozen=True)
class Summary:
    """The figures of the conversations whose first visitor message is in the period."""

    period: Period
    filter: ReportFilter
    loaded_at: datetime
    conversations: int
    #: Those of ``conversations`` that were deleted after the retention period.
    retained: int
    first_replies: FirstReplies
    waiting: Waiting
    resolution: Resolution
    ai: AiFigures
    drafts: DraftFigures
    ratings: RatingFigures


@dataclass(frozen=True)
class Report(Summary):
    """All figures: the summary, the bars, and the usage of models in the period."""

    volume: Volume
    prompt_usage: list[PromptUsage]
