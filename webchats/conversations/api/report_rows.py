"""The document of a conversation as a row of a report."""

from rest_framework import serializers

from webchat_project.api.fields import IdField
from webchat_project.api.timestamps import TimestampField
from webchats.conversations.models import Conversation


def _seconds(source: str) -> serializers.IntegerField:
    return serializers.IntegerField(source=source, allow_null=True)


class ReportRowSerializer(serializers.Serializer[Conversation]):
    """A conversation of a report. Durations are in seconds."""

    _id = IdField(source="pk")
    webchatId = IdField(source="webchat_id", allow_null=True)
    userId = IdField(source="answered_by_id", allow_null=True)
    promptId = IdField(source="ai_prompt_id", allow_null=True)
    promptVersion = serializers.IntegerField(source="ai_prompt_version")
    firstMessageAt = TimestampField(source="first_message_at")
    lastMessageAt = TimestampField(source="last_message_at")
    replySeconds = _seconds("reply_seconds")
    handedOverAt = TimestampField(source="handed_over_at", allow_null=True)
    askedForPerson = serializers.BooleanField(source="asked_for_person")
    repReplySeconds = _seconds("rep_reply_seconds")
    unansweredSince = TimestampField(source="unanswered_since", allow_null=True)
    waitCount = serializers.IntegerField(source="wait_count")
    waitSeconds = serializers.IntegerField(source="wait_seconds")
    longestWaitSeconds = _seconds("longest_wait_seconds")
    hadAi = serializers.BooleanField(source="had_ai")
    aiWrote = serializers.BooleanField(source="ai_wrote")
    repWrote = serializers.BooleanField(source="rep_wrote")
    aiConfirmed = serializers.BooleanField(source="ai_confirmed")
    aiAssumed = serializers.BooleanField(source="ai_assumed")
    draftsSent = serializers.IntegerField(source="drafts_sent")
    draftsEdited = serializers.IntegerField(source="drafts_edited")
    draftsRejected = serializers.IntegerField(source="drafts_rejected")
    draftsSuperseded = serializers.IntegerField(source="drafts_superseded")
    editedWords = serializers.IntegerField(source="edited_words")
    changedWords = serializers.IntegerField(source="changed_words")
    closedAt = TimestampField(source="closed_at", allow_null=True)
    closedBy = serializers.CharField(source="closed_by")
    resolutionSeconds = _seconds("resolution_seconds")
    reopenCount = serializers.IntegerField(source="reopen_count")
    isSurveyed = serializers.BooleanField(source="is_surveyed")
    ratingScore = serializers.IntegerField(source="rating_score", allow_null=True)
