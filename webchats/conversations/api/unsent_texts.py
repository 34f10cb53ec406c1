"""The REST API of text that the caller has not sent yet."""

from typing import cast

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.fields import TEXT_VALIDATORS
from organizations.models import User
from webchat_project.api.fields import BooleanField, StringField
from webchat_project.api.request_serializers import RequestSerializer
from webchats.conversations import services
from webchats.conversations.api import examples
from webchats.conversations.api.presence import PresenceActions
from webchats.conversations.models import UnsentText
from webchats.conversations.models.message import MAX_TEXT_LENGTH


class UnsentTextSerializer(serializers.Serializer[UnsentText]):
    """The caller's unsent text. ``text`` is empty if there is none."""

    text = serializers.CharField()
    isNote = serializers.BooleanField(source="is_note")


class NewUnsentTextSerializer(RequestSerializer):
    """The text in the composer. An empty text deletes the stored one."""

    text = StringField(
        trim_whitespace=False,
        allow_blank=True,
        max_length=MAX_TEXT_LENGTH,
        validators=TEXT_VALIDATORS,
    )
    isNote = BooleanField(source="is_note", required=False)


class UnsentTextActions(PresenceActions):
    """The actions on the unsent text of the caller. Other users cannot read it."""

    @extend_schema(summary="Get unsent text", responses=UnsentTextSerializer)
    @action(detail=True, url_path="unsent-text")
    def unsent_text(self, request: Request, pk: str) -> Response:
        """Return the caller's unsent text in the conversation."""
        own = UnsentText.objects.filter(
            conversation=self.get_unlocked(request, pk), user=cast("User", request.user)
        )
        return Response({"data": UnsentTextSerializer(own.first() or UnsentText()).data})

    @extend_schema(
        summary="Save unsent text",
        request=NewUnsentTextSerializer,
        responses={204: None},
        examples=[OpenApiExample("Example", examples.UNSENT_TEXT_REQUEST, request_only=True)],
    )
    @unsent_text.mapping.post
    @transaction.atomic
    def save_unsent_text(self, request: Request, pk: str) -> Response:
        """Store the caller's unsent text, to continue on another device.

        Sending a message or adding a note deletes it.
        """
        body = NewUnsentTextSerializer(data=request.data)
        row = self.get_unlocked(request, pk)
        body.is_valid(raise_exception=True)
        user = cast("User", request.user)
        services.save_unsent_text(conversation=row, user=user, **body.validated_data)
        return Response(status=status.HTTP_204_NO_CONTENT)
