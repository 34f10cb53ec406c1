"""The documents of reports, and the query parameters that select one."""

from typing import Any, Final

from rest_framework import serializers

from webchat_project.api.fields import IdField, IntegerField
from webchat_project.api.object_ids import validate_object_id
from webchat_project.api.timestamps import TimestampField
from webchats.conversations.reports.periods import DEFAULT_DAYS, MAX_DAYS

_FIRST_HELP: Final = f"The first day. By default, {DEFAULT_DAYS} days end with `to`."
_LAST_HELP: Final = (
    "The last day, in the organization's time zone, by default today. At most "
    f"{MAX_DAYS} days after `from`."
)


def _id(help_text: str) -> serializers.CharField:
    return serializers.CharField(
        required=False, validators=[validate_object_id], help_text=help_text
    )


class ReportQuerySerializer(serializers.Serializer[dict[str, object]]):
    """The period and the conversations of a report."""

    to = serializers.DateField(required=False, help_text=_LAST_HELP)
    webchatId = _id("The webchat.")
    userId = _id("The representative who wrote last.")
    promptId = _id("The prompt of the first automatic answer.")
    promptVersion = IntegerField(required=False, min_value=0, max_value=2_147_483_647)
    organization = _id("The id of an organization. Superusers only, who need it.")

    # Any: as in the method of DRF. ``from`` is no name of an attribute.
    def get_fields(self) -> dict[str, Any]:
        """Return the fields, with ``from``."""
        first = serializers.DateField(required=False, help_text=_FIRST_HELP)
        return {"from": first, **super().get_fields()}


class DrillDownQuerySerializer(ReportQuerySerializer):
    """The same, and one number of the report."""

    key = serializers.CharField(
        required=False, max_length=60, help_text="Only the conversations of the number with it."
    )


class _Share(serializers.FloatField):
    def __init__(self, source: str | None = None) -> None:
        super().__init__(source=source, allow_null=True)


class DurationsSerializer(serializers.Serializer[object]):
    """Durations in seconds: from an hour on whole minutes, from a week on whole hours."""

    count = serializers.IntegerField()
    median = serializers.IntegerField(allow_null=True)
    percentile90 = serializers.IntegerField(source="percentile_90", allow_null=True)


class FirstRepliesSerializer(serializers.Serializer[object]):
    """First replies, and those of representatives since the hand-over."""

    reply = DurationsSerializer()
    withoutAnswer = serializers.IntegerField(source="without_answer")
    repReply = DurationsSerializer(source="rep_reply")
    withoutRepReply = serializers.IntegerField(source="without_rep_reply")


class WaitingSerializer(serializers.Serializer[object]):
    """Waits: from a message of the visitor to the next answer."""

    waitCount = serializers.IntegerField(source="wait_count")
    mean = _Share()
    longest = DurationsSerializer()
    unanswered = serializers.IntegerField()


class ResolutionSerializer(serializers.Serializer[object]):
    """From the first message to the last closing."""

    resolved = DurationsSerializer()
    unresolved = serializers.IntegerField()
    reopened = serializers.IntegerField()
    reopenRate = _Share("reopen_rate")


class AiFiguresSerializer(serializers.Serializer[object]):
    """What the AI achieved. The rates are shares of ``withAi``."""

    withAi = serializers.IntegerField(source="with_ai")
    aiConfirmed = serializers.IntegerField(source="ai_confirmed")
    confirmedRate = _Share("confirmed_rate")
    aiAssumed = serializers.IntegerField(source="ai_assumed")
    assumedRate = _Share("assumed_rate")
    handedOver = serializers.IntegerField(source="handed_over")
    handOverRate = _Share("hand_over_rate")
    askedForPerson = serializers.IntegerField(source="asked_for_person")


class DraftFiguresSerializer(serializers.Serializer[object]):
    """Decisions about drafts."""

    draftsSent = serializers.IntegerField(source="drafts_sent")
    draftsEdited = serializers.IntegerField(source="drafts_edited")
    draftsRejected = serializers.IntegerField(source="drafts_rejected")
    draftsSuperseded = serializers.IntegerField(source="drafts_superseded")
    acceptance = _Share()
    editedWords = serializers.IntegerField(source="edited_words")
    changedWords = serializers.IntegerField(source="changed_words")
    editSize = _Share("edit_size")


class RatingGroupSerializer(serializers.Serializer[object]):
    """Ratings. ``mean`` is null below ten. The key of a score is ``KEY=SCORE``."""

    key = serializers.CharField()
    distribution = serializers.DictField(child=serializers.IntegerField())
    count = serializers.IntegerField()
    satisfied = _Share()
    mean = _Share()


class RatingFiguresSerializer(serializers.Serializer[object]):
    """Ratings of all conversations, and by author of the answers."""

    surveyed = serializers.IntegerField()
    rated = serializers.IntegerField()
    responseRate = _Share("response_rate")
    all = RatingGroupSerializer()
    aiOnly = RatingGroupSerializer(source="ai_only")
    withRep = RatingGroupSerializer(source="with_rep")


class _PeriodSerializer(serializers.Serializer[object]):
    """The days of a report."""

    to = serializers.DateField(source="period.last")
    timeZone = serializers.CharField(source="period.zone")

    # As above.
    def get_fields(self) -> dict[str, Any]:
        """Return the fields, with ``from``."""
        return {"from": serializers.DateField(source="period.first"), **super().get_fields()}


class SummarySerializer(_PeriodSerializer):
    """The figures of a period. Shares are from 0 to 1, or null of nothing."""

    loadedAt = TimestampField(source="loaded_at")
    conversations = serializers.IntegerField()
    retained = serializers.IntegerField()
    firstReplies = FirstRepliesSerializer(source="first_replies")
    waiting = WaitingSerializer()
    resolution = ResolutionSerializer()
    ai = AiFiguresSerializer()
    drafts = DraftFiguresSerializer()
    ratings = RatingFiguresSerializer()


class SummariesSerializer(serializers.Serializer[object]):
    """The figures, and those of the period before."""

    current = SummarySerializer()
    before = SummarySerializer()


class SummaryResponseSerializer(serializers.Serializer[object]):
    """The envelope of the figures."""

    # A field of the envelope, which has the name of a property of serializers.
    data = SummariesSerializer()  # type: ignore[assignment]


class DaySerializer(serializers.Serializer[object]):
    """The conversations of a day."""

    key = serializers.CharField()
    day = serializers.DateField()
    count = serializers.IntegerField()


class BarSerializer(serializers.Serializer[object]):
    """The conversations of an hour of the week."""

    key = serializers.CharField()
    # Serializers have an attribute of this name, which is for forms.
    label = serializers.CharField()  # type: ignore[assignment]
    count = serializers.IntegerField()


class RowBarSerializer(BarSerializer):
    """The conversations of a row, or of no row or others: null."""

    id = IdField(allow_null=True)


class PromptUsageSerializer(serializers.Serializer[object]):
    """The calls of a model for a version of a prompt, made in the period."""

    promptId = IdField(source="prompt_id", allow_null=True)
    name = serializers.CharField()
    version = serializers.IntegerField()
    calls = serializers.IntegerField()
    inputTokens = serializers.IntegerField(source="input_tokens")
    outputTokens = serializers.IntegerField(source="output_tokens")
    estimated = serializers.IntegerField()
    cost = serializers.DecimalField(max_digits=None, decimal_places=8, allow_null=True)


class VolumeSerializer(_PeriodSerializer):
    """The bars of a report. ``hours`` has seven lists from Monday on, of 24 hours each."""

    days = DaySerializer(source="volume.days", many=True)
    hours = serializers.ListField(child=BarSerializer(many=True), source="volume.hours")
    webchats = RowBarSerializer(source="volume.webchats", many=True)
    users = RowBarSerializer(source="volume.reps", many=True)
    prompts = RowBarSerializer(source="volume.prompts", many=True)
    promptUsage = PromptUsageSerializer(source="prompt_usage", many=True)


class VolumeResponseSerializer(serializers.Serializer[object]):
    """The envelope of the bars."""

    # As above.
    data = VolumeSerializer()  # type: ignore[assignment]
