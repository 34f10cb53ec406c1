"""The classes of the views for visitors. Responses are not cached, and set no cookie."""

from collections.abc import Sequence
from typing import Any, ClassVar

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from webchat_project.api.throttling import SlidingWindowThrottle, find_refusal
from webchats.conversations.message_queries import find_newest
from webchats.conversations.models import Conversation
from webchats.conversations.visitor import throttling
from webchats.conversations.visitor.authentication import (
    Access,
    HasSession,
    VisitorAuthentication,
)


class WidgetView(APIView):
    """A view for visitors. Responses are not cached."""

    authentication_classes: Sequence[type[BaseAuthentication]] = ()
    permission_classes: Sequence[type[BasePermission]] = (AllowAny,)
    throttle_classes: Sequence[type[SlidingWindowThrottle]] = (throttling.AddressRequestThrottle,)
    http_method_names = ["get", "head", "post"]

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        final.headers["Cache-Control"] = "no-store"
        return final

    def check_throttles(self, request: Request) -> None:
        """Raise ``Throttled`` if a throttle refuses the request."""
        self.enforce(*self.throttle_classes)

    def enforce(self, *throttle_classes: type[SlidingWindowThrottle]) -> None:
        """Count the request. Raise ``Throttled`` if one of the throttles refuses it."""
        throttle = find_refusal((each() for each in throttle_classes), self.request, self)
        if throttle is not None:
            self.throttled(self.request, throttle.wait() or 1)


class VisitorView(WidgetView):
    """A view that requires a session."""

    authentication_classes = (VisitorAuthentication,)
    permission_classes = (HasSession,)
    throttle_classes = (throttling.AddressRequestThrottle, throttling.SessionRequestThrottle)
    #: For the OpenAPI document, besides those of every view.
    error_statuses: ClassVar[set[str]] = {"400", "410"}

    @property
    def access(self) -> Access:
        """The visitor's session and webchat."""
        assert isinstance(self.request.auth, Access)
        return self.request.auth

    def find_conversation(self) -> Conversation | None:
        """Return the visitor's current conversation: the newest one, which may be closed."""
        session, webchat = self.access
        return find_newest(webchat, session.visitor_id)

    def get_conversation(self) -> Conversation:
        """Return the visitor's current conversation. Raise ``NotFound`` without one."""
        conversation = self.find_conversation()
        if conversation is None:
            raise NotFound("There is no conversation yet. Send a message first.")
        return conversation
