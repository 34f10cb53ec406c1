"""The REST API of drafts: answers of the AI that a representative must approve."""

from typing import Any, Final, cast

from django_filters import rest_framework as django_filters
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.fields import TEXT_VALIDATORS
from organizations.models import User
from organizations.tenancy.viewsets import TenantReadUpdateViewSet
from webchat_project.api.cursors import CursorPagination
from webchat_project.api.fields import ChoiceField, IdField, IntegerField, StringField
from webchat_project.api.filters import ChoiceFilter, IdFilter
from webchat_project.api.openapi_operations import response_example
from webchat_project.api.request_serializers import RequestSerializer
from webchat_project.api.timestamps import TimestampField, get_etag
from webchats.conversations import services
from webchats.conversations.api import examples
from webchats.conversations.api.messages import MAX_SEQUENCE, MessageSourceSerializer
from webchats.conversations.canned_replies import validate_filled_in
from webchats.conversations.models import Draft, DraftState, RejectionReason
from webchats.conversations.models.draft import MAX_COMMENT_LENGTH
from webchats.conversations.models.message import MAX_TEXT_LENGTH
from webchats.conversations.validation import validate_text

#: The maximum of the column ``version``.
_MAX_VERSION: Final = MAX_SEQUENCE


class DraftSerializer(serializers.Serializer[Draft]):
    """A draft. ``text`` is always the AI's own text, and ``sentText`` the text that was sent.

    They differ if a representative has edited the draft. ``isStale``: the visitor wrote again
    while a representative was editing the draft.
    """

    _id = IdField(source="id")
    conversationId = IdField(source="conversation_id")
    state = serializers.ChoiceField(choices=DraftState.choices)
    version = serializers.IntegerField(min_value=1)
    text = serializers.CharField()
    sentText = serializers.SerializerMethodField()
    reason = serializers.SerializerMethodField()
    comment = serializers.CharField()
    promptVersion = serializers.IntegerField(source="reply.prompt_version", min_value=0)
    model = serializers.CharField(source="reply.model")
    sources = MessageSourceSerializer(many=True, source="reply.sources")
    basedOnSequence = serializers.IntegerField(source="based_on_sequence", min_value=0)
    isStale = serializers.BooleanField(source="is_stale")
    editingBy = IdField(source="editing_by_id", allow_null=True)
    editingUntil = TimestampField(source="editing_until", allow_null=True)
    decidedBy = IdField(source="decided_by_id", allow_null=True)
    decidedAt = TimestampField(source="decided_at", allow_null=True)
    createdAt = TimestampField(source="created_at")

    def get_sentText(self, draft: Draft) -> str | None:  # noqa: N802 - named like the field
        """Return the text that was sent, ``None`` unless one was."""
        return draft.sent_text or None

    @extend_schema_field({"type": "string", "enum": RejectionReason.values, "nullable": True})
    def get_reason(self, draft: Draft) -> str | None:
        """Return why it was rejected, ``None`` unless it was."""
        return draft.reason or None


class DraftVersionSerializer(RequestSerializer):
    """The version of the draft that the caller has seen."""

    version = IntegerField(min_value=1, max_value=_MAX_VERSION)


class ApproveDraftSerializer(DraftVersionSerializer):
    """The approval of a draft. ``text`` is sent instead of the draft's own text."""

    text = StringField(
        trim_whitespace=False,
        max_length=MAX_TEXT_LENGTH,
        validators=[validate_text, validate_filled_in],
        required=False,
        allow_null=True,
    )


class RejectDraftSerializer(DraftVersionSerializer):
    """The rejection of a draft."""

    reason = ChoiceField(choices=RejectionReason.choices)
    comment = StringField(
        max_length=MAX_COMMENT_LENGTH,
        validators=TEXT_VALIDATORS,
        required=False,
        allow_blank=True,
    )


class DraftFilter(django_filters.FilterSet):
    """Filters of drafts, named like the fields of the document."""

    state = ChoiceFilter(choices=DraftState.choices)
    conversationId = IdFilter(field_name="conversation_id")


def _request_example(body: dict[str, object]) -> OpenApiExample:
    return OpenApiExample("Example", body, request_only=True)


@extend_schema(tags=["drafts"])
@response_example(examples.DRAFT)
class DraftViewSet(TenantReadUpdateViewSet[Draft]):
    """Drafts of the AI. With autopilot off, every answer becomes a draft."""

    queryset = Draft.objects.select_related("reply").defer(
        # Long, and not in the document.
        "reply__instructions",
        "reply__knowledge",
        "reply__text",
    )
    serializer_class = DraftSerializer
    filterset_class = DraftFilter
    pagination_class = CursorPagination
    http_method_names = ("get", "head", "options", "post")

    @extend_schema(
        summary="Approve draft",
        request=ApproveDraftSerializer,
        examples=[_request_example(examples.DRAFT_APPROVAL)],
    )
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        """Send the draft, or `text` instead, to the visitor. The AI stays the author.

        If the draft is not pending any more or has another `version`, nothing is sent: 409 with the
        code `draft_changed` and its current state in `details`.
        """
        draft, values = self._read(request, pk, ApproveDraftSerializer)
        services.approve_draft(draft=draft, user=cast("User", request.user), **values)
        return self._respond("Draft sent", pk)

    @extend_schema(
        summary="Reject draft",
        request=RejectDraftSerializer,
        examples=[_request_example(examples.DRAFT_REJECTION)],
    )
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: str) -> Response:
        """Reject the draft. The conversation then waits for a person."""
        draft, values = self._read(request, pk, RejectDraftSerializer)
        services.reject_draft(draft=draft, user=cast("User", request.user), **values)
        return self._respond("Draft rejected", pk)

    @extend_schema(
        summary="Edit draft",
        request=DraftVersionSerializer,
        examples=[_request_example(examples.DRAFT_EDITING)],
    )
    @action(detail=True, methods=["post"])
    def edit(self, request: Request, pk: str) -> Response:
        """Report that the caller edits the draft. A new message of the visitor does not supersede
        it in the next 60 seconds, but marks it as stale. Repeat the call while editing."""
        draft, values = self._read(request, pk, DraftVersionSerializer)
        services.edit_draft(draft=draft, user=cast("User", request.user), **values)
        return self._respond("Draft is being edited", pk)

    def _read(
        self, request: Request, pk: str, serializer_class: type[RequestSerializer]
    ) -> tuple[Draft, dict[str, Any]]:
        """Return the draft and the values of the body.

        The draft is not locked here: all actions lock its conversation first.
        """
        drafts = Draft.objects.select_related("conversation").for_user(cast("User", request.user))
        draft = get_object_or_404(drafts, pk=pk)
        body = serializer_class(data=request.data)
        body.is_valid(raise_exception=True)
        return draft, body.validated_data

    def _respond(self, message: str, pk: str) -> Response:
        draft = Draft.objects.select_related("reply").get(pk=pk)
        document = self.get_serializer(draft).data
        headers = {"ETag": get_etag(draft.updated_at)}
        return Response({"message": message, "data": document}, headers=headers)
