"""Vanilla Django REST framework that appends messages to conversations.

A visitor's request is checked as the service does: the session token, the webchat's state and
domains, four throttles, the body, an earlier message with the same key, and card numbers. So is a
representative's: the token, a throttle, the tenant, the body, an earlier message, whether the
conversation is open and whether somebody else has answered. The rows, their constraints, the facts
of reports, the visit of the contact, the unsent text that is deleted, the request for notifications
and the hint for streams are the same.

It does not log requests or refusals, limit bodies, or continue without the cache server. It neither
starts nor reopens conversations, and does not call the AI.
"""

import json
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from rest_framework import generics, serializers, status
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle, UserRateThrottle

from tests.benchmarks.peers.drf import TimestampField
from webchats.conversations.cards import mask_card_numbers
from webchats.conversations.contacts import LAST_SEEN_PRECISION
from webchats.conversations.facts import record_message
from webchats.conversations.models import Author, Contact, Conversation, Message, UnsentText
from webchats.conversations.notifications.requests import request_notifications
from webchats.conversations.sessions import check_session, read_token
from webchats.conversations.transitions import State
from webchats.conversations.validation import get_locale, validate_client_key, validate_text
from webchats.models import Webchat


class Conflict(APIException):
    """The conversation is closed, another person has answered, or a visitor has the key."""

    status_code = status.HTTP_409_CONFLICT


class SessionAuthentication(BaseAuthentication):
    """Authenticates a visitor by a session token. ``request.auth`` is the session."""

    def authenticate(self, request: Request) -> tuple[Any, Any]:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        session = read_token(request.parser_context["kwargs"]["webchat_id"], token)
        webchat = Webchat.objects.select_related("organization").get(pk=session.webchat_id)
        check_session(webchat, session)
        return AnonymousUser(), (session, webchat)


class AddressThrottle(SimpleRateThrottle):
    """Counts by address."""

    def get_cache_key(self, request: Request, view: Any) -> str:
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}


class SessionThrottle(SimpleRateThrottle):
    """Counts by visitor."""

    def get_cache_key(self, request: Request, view: Any) -> str:
        return self.cache_format % {"scope": self.scope, "ident": request.auth[0].visitor_id}


class RequestsOfAddress(AddressThrottle):
    """Limits the requests of an address."""

    scope = "requests_address"


class RequestsOfSession(SessionThrottle):
    """Limits the requests of a visitor."""

    scope = "requests_session"


class MessagesOfAddress(AddressThrottle):
    """Limits the messages of an address."""

    scope = "messages_address"


class MessagesOfSession(SessionThrottle):
    """Limits the messages of a visitor."""

    scope = "messages_session"


class MessageSerializer(serializers.ModelSerializer[Message]):
    """A message, as its visitor sees it."""

    clientKey = serializers.CharField(source="client_key", validators=[validate_client_key])
    text = serializers.CharField(trim_whitespace=False, validators=[validate_text])
    authorName = serializers.CharField(source="author_name", read_only=True)
    event = serializers.SerializerMethodField()
    isApproved = serializers.SerializerMethodField()
    createdAt = TimestampField(source="created_at", read_only=True)

    class Meta:
        model = Message
        fields: tuple[str, ...] = (
            "sequence",
            "kind",
            "author",
            "authorName",
            "text",
            "event",
            "sources",
            "isApproved",
            "clientKey",
            "createdAt",
        )
        read_only_fields = ("sequence", "kind", "author", "sources")

    def get_event(self, row: Message) -> str | None:
        """Return the event, ``None`` for a text."""
        return row.event or None

    def get_isApproved(self, row: Message) -> bool:  # noqa: N802 - named after the field
        """Return whether a representative has approved the message."""
        return row.approved_by_id is not None


class StaffMessageSerializer(MessageSerializer):
    """A message, as representatives see it."""

    after = serializers.IntegerField(write_only=True, required=False)
    userId = serializers.CharField(source="user_id", read_only=True)
    approvedBy = serializers.CharField(source="approved_by_id", read_only=True)
    replyId = serializers.CharField(source="reply_id", read_only=True)

    class Meta(MessageSerializer.Meta):
        fields = (*MessageSerializer.Meta.fields, "after", "userId", "approvedBy", "replyId")

    def to_representation(self, instance: Message) -> dict[str, Any]:
        return {**super().to_representation(instance), "clientKey": None}


class VisitorMessages(generics.CreateAPIView[Message]):
    """A visitor's messages."""

    authentication_classes = (SessionAuthentication,)
    permission_classes = ()
    throttle_classes = (RequestsOfAddress, RequestsOfSession, MessagesOfSession, MessagesOfAddress)
    serializer_class = MessageSerializer

    @transaction.atomic
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        session, webchat = request.auth
        rows = Conversation.objects.of_visitor(webchat, session.visitor_id)
        conversation = lock(rows.select_related("contact")).first()
        if conversation is None:
            raise NotFound
        key = serializer.validated_data["client_key"]
        own = Message.objects.filter(conversation__in=rows.order_by())
        message = own.filter(client_key=key).first()
        is_new = message is None
        if message is None:
            locale = get_locale(request.headers.get("Accept-Language", ""))
            visit(conversation.contact, locale)
            text = serializer.validated_data["text"]
            message = serializer.save(
                conversation=conversation,
                organization=webchat.organization,
                sequence=conversation.last_sequence + 1,
                author=Author.VISITOR,
                author_name=conversation.contact.name,
                text=mask_card_numbers(text) if webchat.organization.mask_card_numbers else text,
            )
            conversation.waiting_since = conversation.waiting_since or message.created_at
            conversation.visitor_read_sequence = message.sequence
            record_message(conversation, Author.VISITOR, None, message.created_at)
            request_notifications(conversation)
            update(conversation, message)
        document = self.get_serializer(message).data
        return Response(
            {"conversationId": conversation.pk, "message": document}, 201 if is_new else 200
        )


class StaffMessages(generics.CreateAPIView[Message]):
    """A representative's messages."""

    throttle_classes = (UserRateThrottle,)
    serializer_class = StaffMessageSerializer

    def get_queryset(self) -> QuerySet[Any]:
        user: Any = self.request.user
        return Conversation.objects.filter(organization=user.organization_id)

    @transaction.atomic
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        conversation = get_object_or_404(lock(self.get_queryset()), pk=kwargs["pk"])
        after = serializer.validated_data.pop("after", None)
        key = serializer.validated_data["client_key"]
        message = conversation.messages.filter(client_key=key).first()
        if message is not None and message.author != Author.REP:
            raise Conflict
        is_new = message is None
        if message is None:
            user: Any = request.user
            answers = conversation.messages.filter(sequence__gt=after or 0).exclude(user=user)
            is_answered = answers.filter(author__in=[Author.AI, Author.REP]).exists()
            if conversation.state == State.CLOSED or (after is not None and is_answered):
                raise Conflict
            message = serializer.save(
                conversation=conversation,
                organization_id=conversation.organization_id,
                sequence=conversation.last_sequence + 1,
                author=Author.REP,
                author_name=user.public_name,
                user=user,
            )
            record_message(conversation, Author.REP, user, message.created_at)
            conversation.waiting_since = None
            conversation.first_reply_at = conversation.first_reply_at or message.created_at
            conversation.organization_read_sequence = message.sequence
            UnsentText.objects.filter(conversation=conversation, user=user).delete()
            update(conversation, message)
        document = self.get_serializer(message).data
        return Response({"message": "Message sent", "data": document}, 201 if is_new else 200)


def lock(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Return the conversations, locked until the transaction ends."""
    return rows.select_for_update(of=("self",), no_key=True)


def visit(contact: Contact, locale: str) -> None:
    """Save when the visitor was seen, once a minute, and the first locale."""
    columns = []
    if locale and not contact.locale:
        contact.locale = locale
        columns.append("locale")
    now = timezone.now()
    if now - contact.last_seen_at >= LAST_SEEN_PRECISION:
        contact.last_seen_at = now
        columns.append("last_seen_at")
    if columns:
        contact.save(update_fields=columns)


def update(conversation: Conversation, message: Message) -> None:
    """Save the conversation with its last message, and publish a hint on commit."""
    conversation.last_sequence = message.sequence
    conversation.last_message_at = message.created_at
    conversation.last_message_author = message.author
    conversation.last_message_preview = " ".join(message.text.split())[:200]
    conversation.save()
    hint = {
        "type": "conversation",
        "organization": conversation.organization_id,
        "webchat": conversation.webchat_id,
        "conversation": conversation.pk,
        "visitor": conversation.visitor_id,
        "lastSequence": conversation.last_sequence,
    }
    transaction.on_commit(lambda: publish(json.dumps(hint)))


def publish(hint: str) -> None:
    """Send the hint to live processes."""
    client: Any = cache
    client._cache.get_client(None, write=True).publish("live", hint)


urlpatterns = [
    path("widget/<str:webchat_id>/messages", VisitorMessages.as_view()),
    path("api/conversations/<str:pk>/messages", StaffMessages.as_view()),
]
