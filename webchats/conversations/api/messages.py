"""Messages and notes of a conversation: requests, documents and pages."""

from collections.abc import Sequence
from typing import Any, Final

from django import forms
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from organizations.fields import TEXT_VALIDATORS
from webchat_project.api.cursors import page_schema
from webchat_project.api.fields import IdField, IntegerField, StringField
from webchat_project.api.pagination import DigitsField, form_errors
from webchat_project.api.request_serializers import RequestSerializer
from webchat_project.api.timestamps import TimestampField
from webchats.conversations.canned_replies import validate_filled_in
from webchats.conversations.message_pages import load_page
from webchats.conversations.models import Author, Message, MessageKind, Note
from webchats.conversations.models.message import MAX_CLIENT_KEY_LENGTH, MAX_TEXT_LENGTH
from webchats.conversations.models.note import MAX_NOTE_LENGTH
from webchats.conversations.serializers import staff_message
from webchats.conversations.validation import validate_client_key, validate_text

#: The maximum of the column ``sequence``.
MAX_SEQUENCE: Final = 2_147_483_647
_MAX_LIMIT: Final = 200
_DEFAULT_LIMIT: Final = 50


class MessageSourceSerializer(serializers.Serializer[Message]):
    """A source of an answer of the AI."""

    number = serializers.IntegerField()
    title = serializers.CharField()
    link = serializers.CharField()


class ConversationMessageSerializer(serializers.Serializer[Message]):
    """A message or an event, as staff see it. ``sequence`` counts from 1 without gaps."""

    sequence = serializers.IntegerField(min_value=1)
    kind = serializers.ChoiceField(choices=MessageKind.choices)
    author = serializers.ChoiceField(choices=Author.choices)
    authorName = serializers.CharField()
    text = serializers.CharField()
    event = serializers.CharField(allow_null=True, read_only=True)
    sources = MessageSourceSerializer(many=True)
    isApproved = serializers.BooleanField()
    clientKey = serializers.CharField(allow_null=True, read_only=True)
    userId = IdField(allow_null=True, read_only=True)
    approvedBy = IdField(allow_null=True, read_only=True)
    replyId = IdField(allow_null=True, read_only=True)
    createdAt = TimestampField()

    # The document is the same as in events of a stream, which have no serializer.
    def to_representation(self, instance: Message) -> dict[str, Any]:
        return {**staff_message(instance)}


class NoteSerializer(serializers.Serializer[Note]):
    """A note, which visitors never see. ``userId`` is its author, ``null`` after their deletion."""

    _id = IdField(source="id")
    text = serializers.CharField()
    userId = IdField(source="user_id", allow_null=True)
    createdAt = TimestampField(source="created_at")


class NewMessageSerializer(RequestSerializer):
    """A message to the visitor. A repetition with the same ``clientKey`` adds no message.

    A variable of a canned reply, such as ``{visitor.name}``, is an error in ``text``.
    ``after`` is the sequence of the last message that its author has seen.
    """

    text = StringField(
        trim_whitespace=False,
        max_length=MAX_TEXT_LENGTH,
        validators=[validate_text, validate_filled_in],
    )
    clientKey = StringField(
        source="client_key",
        trim_whitespace=False,
        max_length=MAX_CLIENT_KEY_LENGTH,
        validators=[validate_client_key],
    )
    after = IntegerField(min_value=0, max_value=MAX_SEQUENCE, required=False, allow_null=True)


class NewNoteSerializer(RequestSerializer):
    """The text of a note."""

    text = StringField(max_length=MAX_NOTE_LENGTH, validators=TEXT_VALIDATORS)


class ReadConversationSerializer(RequestSerializer):
    """The sequence of the last message that has been read."""

    sequence = IntegerField(min_value=0, max_value=MAX_SEQUENCE)


class _SequenceForm(forms.Form):
    after = DigitsField(min_value=0, max_value=MAX_SEQUENCE, required=False)
    limit = DigitsField(min_value=1, max_value=_MAX_LIMIT, required=False)


class SequencePagination(BasePagination):
    """Messages after a sequence, oldest first: ``after`` from 0 and ``limit`` from 1 to 200.

    ``pagination.next`` is the ``after`` of the next page. Long messages make a page shorter.
    """

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any]:
        form = _SequenceForm(request.query_params)
        if not form.is_valid():
            raise ValidationError(form_errors(form))
        self.limit: int = form.cleaned_data["limit"] or _DEFAULT_LIMIT
        rows = queryset.filter(sequence__gt=form.cleaned_data["after"] or 0).order_by("sequence")
        page, has_more = load_page(rows, self.limit)
        self.next = page[-1].sequence if has_more else None
        return page

    def get_paginated_response(self, data: Sequence[object]) -> Response:
        return Response({"data": data, "pagination": {"limit": self.limit, "next": self.next}})

    def get_paginated_response_schema(self, schema: dict[str, object]) -> dict[str, object]:
        description = "The parameter `after` of the next page. `null` on the last one."
        following = {"type": "integer", "nullable": True, "description": description}
        return page_schema(schema, following, _DEFAULT_LIMIT)

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, object]]:
        after = {"type": "integer", "minimum": 0, "maximum": MAX_SEQUENCE, "default": 0}
        limit = {"type": "integer", "minimum": 1, "maximum": _MAX_LIMIT, "default": _DEFAULT_LIMIT}
        return [
            {
                "name": "after",
                "in": "query",
                "required": False,
                "schema": after,
                "description": "The sequence of the last message that the client has.",
            },
            {"name": "limit", "in": "query", "required": False, "schema": limit},
        ]
