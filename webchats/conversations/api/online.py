"""The REST API of online representatives, and of the caller's away switch."""

from typing import ClassVar, cast

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from organizations.models import User
from webchat_project.api.fields import BooleanField, IdField
from webchat_project.api.request_serializers import RequestSerializer
from webchats.conversations.live.access import find_organization_id
from webchats.conversations.models import Conversation
from webchats.conversations.presence import (
    OnlineRep,
    Presence,
    load_presence,
    report_presence,
    set_away,
)

_ORGANIZATION = OpenApiParameter(
    "organization", description="The id of an organization. Superusers only, who need it."
)


class OnlineRepSerializer(serializers.Serializer[OnlineRep]):
    """A representative with an open inbox."""

    userId = IdField()
    name = serializers.CharField()
    isAway = serializers.BooleanField()
    conversationIds = serializers.ListField(child=IdField())


class OnlineSerializer(serializers.Serializer[Presence]):
    """The representatives who are online, by name."""

    # A field of the envelope, which has the name of a property of serializers.
    data = OnlineRepSerializer(many=True)  # type: ignore[assignment]


class AwaySerializer(RequestSerializer):
    """A heartbeat. ``isAway`` sets the caller's away switch; without it, nothing changes."""

    isAway = BooleanField(source="is_away", required=False)


@extend_schema(tags=["conversations"], parameters=[_ORGANIZATION])
class OnlineView(APIView):
    """The representatives of the organization who are online."""

    #: Whose roles apply.
    queryset = Conversation.objects.all()
    #: For another organization.
    error_statuses: ClassVar[set[str]] = {"404"}

    @extend_schema(
        operation_id="presence_list", summary="List who is online", responses=OnlineSerializer
    )
    def get(self, request: Request) -> Response:
        """Return the representatives who have the inbox open."""
        return self._respond(self._get_organization_id(request))

    @extend_schema(
        operation_id="presence_update",
        summary="Report being online, or away",
        request=AwaySerializer,
        responses=OnlineSerializer,
        examples=[OpenApiExample("Example", {"isAway": True}, request_only=True)],
    )
    def put(self, request: Request) -> Response:
        """Report that the caller is online for 40 seconds. Repeat it every 13 seconds.

        A user who is away stays online, but is not assigned conversations automatically.
        """
        body = AwaySerializer(data=request.data)
        organization_id = self._get_organization_id(request)
        body.is_valid(raise_exception=True)
        user = cast("User", request.user)
        if "is_away" in body.validated_data:
            set_away(organization_id=organization_id, user=user, **body.validated_data)
        else:
            report_presence(organization_id=organization_id, user=user)
        return self._respond(organization_id)

    def _get_organization_id(self, request: Request) -> str:
        user = cast("User", request.user)
        return find_organization_id(user, request.query_params.get("organization", ""))

    def _respond(self, organization_id: str) -> Response:
        return Response({"data": load_presence(organization_id).online()})
