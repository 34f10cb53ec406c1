"""The REST API of conversations."""

from collections.abc import Callable
from typing import Any, cast

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import ErrorDetail, NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.models import User
from webchat_project.api.cursors import CursorPagination, parse_page
from webchat_project.api.openapi_operations import request_examples, response_example
from webchat_project.api.timestamps import get_etag
from webchats.conversations import services
from webchats.conversations.api import examples
from webchats.conversations.api.canned_replies import FilledReplySerializer
from webchats.conversations.api.messages import (
    ConversationMessageSerializer,
    NewMessageSerializer,
    NewNoteSerializer,
    NoteSerializer,
    ReadConversationSerializer,
    SequencePagination,
)
from webchats.conversations.api.serializers import ConversationSerializer
from webchats.conversations.api.unsent_texts import UnsentTextActions
from webchats.conversations.canned_replies import fill_in_reply, get_values
from webchats.conversations.filters import WAITING_SINCE, ConversationFilter
from webchats.conversations.message_queries import find_for_user
from webchats.conversations.models import Author, CannedReply, Conversation
from webchats.conversations.serializers import staff_message


def _request_example(body: dict[str, object]) -> OpenApiExample:
    return OpenApiExample("Example", body, request_only=True)


class ConversationPageFilter(ConversationFilter):
    """The filters of a list of the API, in which a search finds the rows of the page."""

    def filter_search(
        self, rows: QuerySet[Conversation], name: str, value: str
    ) -> QuerySet[Conversation]:
        """Return the rows of the page whose messages or contact contain the text."""
        assert isinstance(self.request, Request)
        if self.form.cleaned_data["ordering"] != WAITING_SINCE:
            condition, limit = parse_page(rows, self.request)
            self.page = condition, limit + 1
        return super().filter_search(rows, name, value)


@extend_schema(tags=["conversations"])
@request_examples(update=examples.CONVERSATION_UPDATE)
@response_example(examples.CONVERSATION)
class ConversationViewSet(UnsentTextActions):
    """Conversations of visitors. They begin with a visitor's first message in a widget."""

    queryset = Conversation.objects.select_related("contact")
    serializer_class = ConversationSerializer
    filterset_class = ConversationPageFilter
    pagination_class = CursorPagination

    # --- Messages and notes ---

    @extend_schema(summary="List messages", responses=ConversationMessageSerializer(many=True))
    @action(
        detail=True,
        serializer_class=ConversationMessageSerializer,
        filterset_class=None,
        pagination_class=SequencePagination,
    )
    def messages(self, request: Request, pk: str) -> Response:
        """Return the messages and events of the conversation, oldest first."""
        return self._respond_with_page(self.get_object().messages.all(), staff_message)

    @extend_schema(
        summary="Send message",
        request=NewMessageSerializer,
        responses=dict.fromkeys((200, 201), ConversationMessageSerializer),
        examples=[
            _request_example(examples.MESSAGE_REQUEST),
            OpenApiExample(
                "The stored message",
                {"message": "Message sent", "data": examples.MESSAGE},
                response_only=True,
                status_codes=["201"],
            ),
        ],
    )
    @messages.mapping.post
    def send(self, request: Request, pk: str) -> Response:
        """Send a message to the visitor, which takes over the conversation.

        A message that was already sent with the same `clientKey` is returned with 200. If another
        person has answered after the message `after`, nothing is sent: 409 with the code
        `answered_meanwhile` and the answer in `details`. To send the message anyway, send it again
        with `after` set to the `sequence` of that answer, and with the same `clientKey`.
        """
        user, body = cast("User", request.user), NewMessageSerializer(data=request.data)
        # Not locked: the service locks the row.
        conversation = find_for_user(user, pk)
        if conversation is None:
            raise NotFound("Not found.")
        body.is_valid(raise_exception=True)
        sent = services.send_rep_message(
            conversation=conversation, user=user, **body.validated_data
        )
        return Response(
            {"message": "Message sent", "data": staff_message(sent.message)},
            status=status.HTTP_201_CREATED if sent.created else status.HTTP_200_OK,
        )

    @extend_schema(summary="List notes", responses=NoteSerializer(many=True))
    @action(detail=True, serializer_class=NoteSerializer, filterset_class=None)
    def notes(self, request: Request, pk: str) -> Response:
        """Return the notes on the conversation, oldest first. Visitors never see them."""
        notes = self.get_object().notes.all()
        return self._respond_with_page(notes, lambda note: NoteSerializer(note).data)

    @extend_schema(
        summary="Add note",
        request=NewNoteSerializer,
        responses={201: NoteSerializer},
        examples=[_request_example(examples.NOTE_REQUEST)],
    )
    @notes.mapping.post
    @transaction.atomic
    def add_note(self, request: Request, pk: str) -> Response:
        """Store a note, which only members of the organization can read."""
        body = NewNoteSerializer(data=request.data)
        conversation = self.get_object()
        body.is_valid(raise_exception=True)
        note = services.add_note(
            conversation=conversation, user=cast("User", request.user), **body.validated_data
        )
        document = NoteSerializer(note).data
        return Response({"message": "Note added", "data": document}, status.HTTP_201_CREATED)

    @extend_schema(summary="List canned replies", responses=FilledReplySerializer(many=True))
    @action(
        detail=True,
        url_path="canned-replies",
        serializer_class=FilledReplySerializer,
        filterset_class=None,
    )
    def canned_replies(self, request: Request, pk: str) -> Response:
        """Return the organization's canned replies, filled in for the conversation and the caller.

        `unresolved` are the variables without value and default, which the message must not have.
        """
        conversation = self.get_object()
        values = get_values(conversation, cast("User", request.user))
        rows = CannedReply.objects.for_organization(conversation.organization_id)
        return self._respond_with_page(rows, lambda row: fill_in_reply(row, values))

    # --- Actions ---

    @extend_schema(
        summary="Mark as read",
        request=ReadConversationSerializer,
        examples=[_request_example(examples.READ_REQUEST)],
    )
    @action(detail=True, methods=["post"])
    @transaction.atomic
    def read(self, request: Request, pk: str) -> Response:
        """Record that the organization has read the messages up to `sequence`."""
        body = ReadConversationSerializer(data=request.data)
        conversation = self.get_object()
        body.is_valid(raise_exception=True)
        sequence = body.validated_data["sequence"]
        if sequence > conversation.last_sequence:
            message = f"The last message has the sequence {conversation.last_sequence}."
            raise ValidationError({"sequence": [ErrorDetail(message, "max_value")]})
        changed = services.mark_read(
            conversation=conversation, reader=Author.REP, sequence=sequence
        )
        return self._respond("Conversation read", conversation, changed)

    @extend_schema(summary="Take over", request=None)
    @action(detail=True, methods=["post"], url_path="take-over")
    @transaction.atomic
    def take_over(self, request: Request, pk: str) -> Response:
        """Become the representative who answers the visitor.

        409 with the code `assigned_meanwhile` if a colleague answers. To take the conversation from
        them, set `assigneeId`.
        """
        conversation = self.get_object()
        user = cast("User", request.user)
        changed = services.take_over(conversation=conversation, user=user)
        return self._respond("Conversation taken over", conversation, changed)

    @extend_schema(summary="Give back to automatic answers", request=None)
    @action(detail=True, methods=["post"], url_path="give-back")
    @transaction.atomic
    def give_back(self, request: Request, pk: str) -> Response:
        """Return to automatic answers, at once if the visitor waits for an answer.

        409 with the code `ai_unavailable` if there is no active prompt whose provider can be used.
        """
        conversation = self.get_object()
        user = cast("User", request.user)
        changed = services.give_back(conversation=conversation, user=user)
        return self._respond("Conversation given back", conversation, changed)

    # Any: the stubs allow only rows of the viewset's model.
    def _respond_with_page(
        self, rows: QuerySet[Any], to_document: Callable[[Any], object]
    ) -> Response:
        page: Any = self.paginate_queryset(rows)
        return self.get_paginated_response([to_document(row) for row in page])

    def _respond(self, message: str, read: Conversation, changed: Conversation) -> Response:
        changed.contact = read.contact
        document = self.get_serializer(changed).data
        headers = {"ETag": get_etag(changed.updated_at)}
        return Response({"message": message, "data": document}, headers=headers)
