"""The REST API of presence: the users who view a conversation or type in it."""

from typing import cast

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.models import User
from organizations.tenancy.viewsets import TenantReadUpdateViewSet
from webchat_project.api.fields import BooleanField, IdField
from webchat_project.api.request_serializers import RequestSerializer
from webchats.conversations.api import examples
from webchats.conversations.models import Conversation
from webchats.conversations.presence import (
    Presence,
    PresentRep,
    load_presence,
    report_absence,
    report_presence,
    show_typing,
)


class PresentRepSerializer(serializers.Serializer[PresentRep]):
    """A representative who is viewing the conversation."""

    userId = IdField()
    name = serializers.CharField()
    isTyping = serializers.BooleanField()


class ConversationPresenceSerializer(serializers.Serializer[Presence]):
    """The representatives who are viewing a conversation."""

    reps = PresentRepSerializer(many=True)


class HeartbeatSerializer(RequestSerializer):
    """A heartbeat. With ``typing``, colleagues see for some seconds that the caller types."""

    typing = BooleanField(required=False)


class PresenceActions(TenantReadUpdateViewSet[Conversation]):
    """The actions of presence. Nothing of it is stored in the database."""

    @extend_schema(summary="Get presence", responses=ConversationPresenceSerializer)
    @action(detail=True)
    def presence(self, request: Request, pk: str) -> Response:
        """Return the representatives who are viewing the conversation."""
        row = self.get_unlocked(request, pk)
        reps = load_presence(row.organization_id).in_conversation(row.pk)
        return Response({"data": {"reps": reps}})

    @extend_schema(
        summary="Report presence",
        request=HeartbeatSerializer,
        responses={204: None},
        examples=[OpenApiExample("Example", examples.PRESENCE_REQUEST, request_only=True)],
    )
    @presence.mapping.post
    def look(self, request: Request, pk: str) -> Response:
        """Show colleagues for 40 seconds that the caller is viewing the conversation.

        Repeat it every 13 seconds. The visitor does not see it: see `…/typing`.
        """
        body = HeartbeatSerializer(data=request.data)
        row = self.get_unlocked(request, pk)
        body.is_valid(raise_exception=True)
        report_presence(
            organization_id=row.organization_id,
            user=cast("User", request.user),
            conversation=row,
            is_typing=body.validated_data.get("typing", False),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(summary="Show typing", request=None, responses={204: None})
    @action(detail=True, methods=["post"])
    def typing(self, request: Request, pk: str) -> Response:
        """Show visitor and colleagues for some seconds that the caller is typing."""
        user, row = cast("User", request.user), self.get_unlocked(request, pk)
        show_typing(row, user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(summary="Report absence", request=None, responses={204: None})
    @action(detail=True, methods=["post"])
    def leave(self, request: Request, pk: str) -> Response:
        """Show colleagues at once that the caller has left the conversation."""
        row = self.get_unlocked(request, pk)
        report_absence(user=cast("User", request.user), conversation=row)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def get_unlocked(self, request: Request, pk: str) -> Conversation:
        """Return the row without the lock of ``get_queryset``, since nothing is written."""
        user = cast("User", request.user)
        return get_object_or_404(Conversation.objects.for_user(user), pk=pk)
