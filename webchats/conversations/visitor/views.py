"""The endpoints that the widget calls for a visitor with a session.

The order of errors: 401 without a valid session, 410 if the webchat is disabled, 404 for all that
is not this visitor's. Conversations are found by webchat and visitor id only.
"""

from typing import ClassVar, Final

from django.core.cache import cache
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from webchat_project.api.renderers import OrjsonRenderer
from webchat_project.api.throttling import find_refusal
from webchats.conversations import events, services
from webchats.conversations.message_pages import load_page
from webchats.conversations.message_queries import find_prompt
from webchats.conversations.models import Author, Message
from webchats.conversations.replies.availability import answered_by
from webchats.conversations.replies.visible import load_visible_reply
from webchats.conversations.serializers import visitor_message, visitor_rating
from webchats.conversations.validation import ContactDetails, get_locale
from webchats.conversations.visitor import serializers, throttling
from webchats.conversations.visitor.authentication import Access
from webchats.conversations.visitor.transcript import PlainTextRenderer, make_transcript
from webchats.conversations.visitor.widget_view import VisitorView

#: The largest number of messages in a response.
PAGE_SIZE: Final = 200
#: Seconds in which a visitor's typing is published once. Panels report it every three seconds.
TYPING_SECONDS: Final = 2

_TAGS: Final = ["widget"]


@extend_schema(tags=_TAGS)
class MessagesView(VisitorView):
    """The messages of the visitor's current conversation."""

    def check_throttles(self, request: Request) -> None:
        """Count a message together with its request, which is one round trip."""
        is_message = request.method == "POST" and isinstance(request.auth, Access)
        self.enforce(*self.throttle_classes, *(throttling.OF_MESSAGES if is_message else ()))

    @extend_schema(
        operation_id="widget_read_messages",
        summary="Read messages",
        parameters=[serializers.PositionSerializer],
        responses=serializers.VisitorMessagesSerializer,
    )
    def get(self, request: Request, webchat_id: str) -> Response:
        """Return at most 200 messages after the sequence `after`, oldest first, and fewer if they
        are long. They start at 1 unless `conversation` is the current conversation."""
        position = serializers.PositionSerializer(data=request.query_params)
        position.is_valid(raise_exception=True)
        conversation = self.find_conversation()
        if conversation is None:
            names = ("conversationId", "state", "handler", "rating", "reply", "replyState")
            return Response(
                {
                    **dict.fromkeys(names),
                    "messages": [],
                    "lastSequence": 0,
                    "answeredBy": answered_by(find_prompt(self.access.webchat)),
                }
            )
        is_current = position.validated_data.get("conversation") == conversation.pk
        after = position.validated_data["after"] if is_current else 0
        page: list[Message] = []
        # Most polls find nothing new.
        if after < conversation.last_sequence:
            # Without messages that are newer than the conversation that was read above.
            rows = conversation.messages.filter(
                sequence__gt=after, sequence__lte=conversation.last_sequence
            )
            page, _ = load_page(rows.order_by("sequence"), PAGE_SIZE)
        reply = load_visible_reply(conversation)
        return Response(
            {
                "conversationId": conversation.pk,
                "messages": [visitor_message(row) for row in page],
                "lastSequence": conversation.last_sequence,
                "state": conversation.state,
                "handler": conversation.handler,
                "rating": visitor_rating(conversation),
                "reply": reply.partial,
                "replyState": reply.state,
                "answeredBy": answered_by(find_prompt(self.access.webchat)),
            }
        )

    @extend_schema(
        operation_id="widget_send_message",
        summary="Send a message",
        request=serializers.VisitorSendSerializer,
        responses={
            201: serializers.VisitorSentSerializer,
            200: serializers.VisitorSentSerializer,
        },
    )
    def post(self, request: Request, webchat_id: str) -> Response:
        """Store a message. The first one starts a conversation. A message that has been stored
        with this `clientKey` before is returned with 200."""
        serializer = serializers.VisitorSendSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        session, webchat = self.access
        contact: ContactDetails = data.get("contact", {})
        contact["locale"] = get_locale(request.headers.get("Accept-Language", ""))
        sent = services.send_visitor_message(
            webchat=webchat,
            visitor_id=session.visitor_id,
            text=data["text"],
            client_key=data["clientKey"],
            contact=contact,
            page=data.get("page"),
            may_reply=self._may_reply,
            check_start=self._check_start,
        )
        return Response(
            {
                "conversationId": sent.message.conversation_id,
                "message": visitor_message(sent.message),
            },
            status=status.HTTP_201_CREATED if sent.created else status.HTTP_200_OK,
        )

    def _check_start(self) -> None:
        """Count a new conversation, or raise ``Throttled``."""
        self.enforce(throttling.AddressConversationThrottle, throttling.WebchatConversationThrottle)

    def _may_reply(self) -> bool:
        """Return whether the AI may reply once more, and count the reply."""
        throttles = (throttle() for throttle in throttling.OF_REPLIES)
        return find_refusal(throttles, self.request, self) is None


@extend_schema(tags=_TAGS)
class TypingView(VisitorView):
    """The visitor is typing."""

    @extend_schema(
        operation_id="widget_typing",
        summary="Report typing",
        request=None,
        responses={204: None},
    )
    def post(self, request: Request, webchat_id: str) -> Response:
        """Show the representatives that the visitor is typing. The text is not sent. Before the
        first message, nobody is shown anything."""
        conversation = self.find_conversation()
        # Every event goes to all representatives.
        if conversation and cache.add(f"typing:{conversation.pk}", True, TYPING_SECONDS):
            events.typing(conversation, Author.VISITOR, conversation.contact.name)
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(tags=_TAGS)
class ReadView(VisitorView):
    """The visitor has read messages."""

    @extend_schema(
        operation_id="widget_mark_read",
        summary="Mark messages as read",
        request=serializers.VisitorReadSerializer,
        responses={204: None},
    )
    def post(self, request: Request, webchat_id: str) -> Response:
        """Record that the visitor has read the messages up to `sequence`."""
        serializer = serializers.VisitorReadSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        conversation, sequence = self.get_conversation(), serializer.validated_data["sequence"]
        if sequence > conversation.last_sequence:
            message = f"The last message has the sequence {conversation.last_sequence}."
            raise ValidationError({"sequence": [ErrorDetail(message, "max_value")]})
        services.mark_read(conversation=conversation, reader=Author.VISITOR, sequence=sequence)
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(tags=_TAGS)
class HumanView(VisitorView):
    """The visitor asks for a person."""

    error_statuses: ClassVar[set[str]] = VisitorView.error_statuses | {"409"}

    @extend_schema(
        operation_id="widget_ask_for_person",
        summary="Ask for a person",
        request=None,
        responses={204: None},
    )
    def post(self, request: Request, webchat_id: str) -> Response:
        """Hand the conversation over to a person. A closed conversation gets a 409."""
        services.ask_for_person(conversation=self.get_conversation())
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(tags=_TAGS)
class CloseView(VisitorView):
    """The visitor ends the conversation."""

    @extend_schema(
        operation_id="widget_close",
        summary="End the conversation",
        request=None,
        responses={204: None},
    )
    def post(self, request: Request, webchat_id: str) -> Response:
        """Close the current conversation. A closed one stays as it is."""
        services.close(conversation=self.get_conversation())
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(tags=_TAGS)
class TranscriptView(VisitorView):
    """The transcript of the visitor's current conversation."""

    renderer_classes = (PlainTextRenderer, OrjsonRenderer)

    @extend_schema(
        operation_id="widget_transcript",
        summary="Download the transcript",
        responses={(200, "text/plain"): OpenApiTypes.STR},
    )
    def get(self, request: Request, webchat_id: str) -> HttpResponse:
        """Return the visitor's newest conversation as a text file.

        It has at most 250 KiB: the newest messages.
        """
        conversation = self.get_conversation()
        title = self.access.webchat.organization.public_title
        text = make_transcript(conversation, title)
        response = HttpResponse(text, content_type="text/plain; charset=utf-8")
        response.headers["Content-Disposition"] = 'attachment; filename="conversation.txt"'
        return response

    def handle_exception(self, exc: Exception) -> Response:
        """Return an error as JSON, whatever format was requested."""
        renderer = OrjsonRenderer()
        self.request.accepted_renderer = renderer
        self.request.accepted_media_type = str(renderer.media_type)
        return super().handle_exception(exc)
