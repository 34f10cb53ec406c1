"""The REST API of the caller's settings of the inbox and its notifications."""

from typing import cast

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from organizations.models import User
from webchat_project.api.fields import BooleanField
from webchat_project.api.request_serializers import RequestSerializer
from webchats.conversations.models import Conversation


class PreferencesSerializer(serializers.Serializer[User]):
    """What the caller has chosen.

    ``getsEmail``: e-mails about visitors who wait while nobody is online. ``getsWeeklyReport``: an
    e-mail with the figures of last week on Mondays, for roles that may read reports.
    ``usesSingleKeys``: single keys are shortcuts in the inbox.
    """

    getsEmail = serializers.BooleanField(source="gets_email")
    getsWeeklyReport = serializers.BooleanField(source="gets_weekly_report")
    usesSingleKeys = serializers.BooleanField(source="uses_single_keys")


class PreferencesResponseSerializer(serializers.Serializer[User]):
    """The envelope of the choices."""

    # A field of the envelope, which has the name of a property of serializers.
    data = PreferencesSerializer()  # type: ignore[assignment]


class PreferencesRequestSerializer(RequestSerializer):
    """The choices to change. What is not sent stays."""

    getsEmail = BooleanField(source="gets_email", required=False)
    getsWeeklyReport = BooleanField(source="gets_weekly_report", required=False)
    usesSingleKeys = BooleanField(source="uses_single_keys", required=False)


@extend_schema(tags=["conversations"])
class PreferencesView(APIView):
    """The caller's own settings, which nobody else can read or change."""

    #: Whose roles apply.
    queryset = Conversation.objects.all()

    @extend_schema(
        operation_id="preferences_retrieve",
        summary="Get preferences",
        responses=PreferencesResponseSerializer,
    )
    def get(self, request: Request) -> Response:
        """Return the caller's settings."""
        return Response({"data": PreferencesSerializer(cast("User", request.user)).data})

    @extend_schema(
        operation_id="preferences_partial_update",
        summary="Update preferences",
        request=PreferencesRequestSerializer,
        responses=PreferencesResponseSerializer,
        examples=[OpenApiExample("Example", {"getsEmail": False}, request_only=True)],
    )
    def patch(self, request: Request) -> Response:
        """Change the caller's settings."""
        body = PreferencesRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        user = cast("User", request.user)
        for name, value in body.validated_data.items():
            setattr(user, name, value)
        User.objects.filter(pk=user.pk).update(**body.validated_data)
        return Response({"data": PreferencesSerializer(user).data})
