"""The visitor's answer to the survey."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from webchats.conversations import services
from webchats.conversations.serializers import visitor_rating
from webchats.conversations.visitor import serializers, throttling
from webchats.conversations.visitor.widget_view import VisitorView


@extend_schema(tags=["widget"])
class RatingView(VisitorView):
    """The visitor's rating of the conversation."""

    http_method_names = ["put"]
    error_statuses: ClassVar[set[str]] = VisitorView.error_statuses | {"409"}

    @extend_schema(
        operation_id="widget_rate",
        summary="Rate the conversation",
        request=serializers.RateSerializer,
        responses=serializers.VisitorRatedSerializer,
    )
    def put(self, request: Request, webchat_id: str) -> Response:
        """Rate the visitor's newest conversation, or replace its rating.

        409 with the code `not_closed` while it is open, `rating_final` from 14 days after the first
        rating on, and `survey_disabled` if the webchat has no survey.
        """
        self.enforce(throttling.SessionRatingThrottle)
        serializer = serializers.RateSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        rated = services.rate(conversation=self.get_conversation(), **serializer.validated_data)
        return Response({"conversationId": rated.pk, "rating": visitor_rating(rated)})
