"""Tickets for customers' pages, and the sessions of visitors.

Only a ticket can be read by scripts of other sites.
"""

import re
from typing import Any, Final

from django.utils.cache import patch_vary_headers
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from webchat_project.api.object_ids import OBJECT_ID_PATTERN
from webchat_project.api.timestamps import format_timestamp
from webchats.conversations import sessions
from webchats.conversations.models import Conversation
from webchats.conversations.replies.availability import answered_by
from webchats.conversations.serializers import visitor_conversation
from webchats.conversations.visitor import serializers, throttling
from webchats.conversations.visitor.widget_view import WidgetView
from webchats.models import Webchat
from webchats.widget.cors import set_cors_headers

_ID: Final = re.compile(OBJECT_ID_PATTERN)
_TAGS: Final = ["widget"]


@extend_schema(tags=_TAGS, auth=[])
class TicketView(WidgetView):
    """Tickets for customers' pages."""

    #: Only tickets are counted, so that every refused page gets the same 404.
    throttle_classes = ()
    #: The origin of the page, once it has been checked.
    _origin: str | None = None

    @extend_schema(
        operation_id="widget_create_ticket",
        summary="Get a ticket",
        request=None,
        responses=serializers.VisitorTicketSerializer,
    )
    def post(self, request: Request, webchat_id: str) -> Response:
        """Called by the customer's page, whose `Origin` must be an allowed domain. An unknown or
        disabled webchat and a page that is not allowed get the same 404."""
        origin = request.headers.get("Origin")
        ticket = sessions.issue_ticket(_get_webchat(webchat_id), origin)
        self._origin = origin
        self.enforce(throttling.AddressTicketThrottle)
        return Response({"ticket": ticket, "expiresIn": sessions.TICKET_SECONDS})

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        set_cors_headers(final, self._origin)
        if self._origin is not None and "Retry-After" in final.headers:
            final.headers["Access-Control-Expose-Headers"] = "Retry-After"
        patch_vary_headers(final, ["Origin"])
        return final


@extend_schema(tags=_TAGS, auth=[])
class SessionView(WidgetView):
    """Sessions of visitors."""

    @extend_schema(
        operation_id="widget_start_session",
        summary="Start or renew a session",
        request=serializers.StartSessionSerializer,
        responses=serializers.VisitorSessionSerializer,
    )
    def post(self, request: Request, webchat_id: str) -> Response:
        """Exchange a ticket for a session token. With an earlier `token` of this webchat, the
        session continues that of its visitor. A ticket that is not valid gets a 404."""
        serializer = serializers.StartSessionSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        webchat = _get_webchat(webchat_id)
        ticket, token = (serializer.validated_data.get(name) for name in ("ticket", "token"))
        session = sessions.start_session(webchat, ticket, token)
        conversation = Conversation.objects.of_visitor(webchat, session.visitor_id).first()
        return Response(
            {
                "token": session.token,
                "expiresAt": format_timestamp(session.expires_at),
                "conversation": visitor_conversation(conversation) if conversation else None,
                "answeredBy": answered_by(webchat.prompt),
            }
        )


def _get_webchat(webchat_id: str) -> Webchat:
    """Return the webchat. Raise ``NotFound`` for an unknown or malformed id."""
    webchat = Webchat.objects.filter(pk=webchat_id).first() if _ID.fullmatch(webchat_id) else None
    if webchat is None:
        raise NotFound("Not found.")
    return webchat
