"""Throttles of visitors, by address, session and webchat. The rates are settings:
``RATE_LIMIT_WIDGET_…``."""

from typing import Final

from rest_framework.request import Request
from rest_framework.views import APIView

from webchat_project.api.throttling import SlidingWindowThrottle
from webchats.conversations.visitor.authentication import Access


class AddressThrottle(SlidingWindowThrottle):
    """Counts by IPv4 address, or by the /64 network of an IPv6 address."""

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}


class SessionThrottle(SlidingWindowThrottle):
    """Counts by visitor, so that a renewed session continues to count."""

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        access = request.auth
        if not isinstance(access, Access):
            return None
        ident = f"{access.session.webchat_id}:{access.session.visitor_id}"
        return self.cache_format % {"scope": self.scope, "ident": ident}


class WebchatThrottle(SlidingWindowThrottle):
    """Counts by webchat."""

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        access = request.auth
        if not isinstance(access, Access):
            return None
        self.log_fields = {"webchat": access.webchat.pk}
        return self.cache_format % {"scope": self.scope, "ident": access.webchat.pk}


class AddressTicketThrottle(AddressThrottle):
    """Limits the tickets of an address."""

    scope = "widget_tickets_address"


class AddressRequestThrottle(AddressThrottle):
    """Limits the requests of an address."""

    scope = "widget_requests_address"


class SessionRequestThrottle(SessionThrottle):
    """Limits the requests of a session."""

    scope = "widget_requests_session"


class AddressMessageThrottle(AddressThrottle):
    """Limits the messages of an address."""

    scope = "widget_messages_address"


class SessionMessageThrottle(SessionThrottle):
    """Limits the messages of a session."""

    scope = "widget_messages_session"


class SessionRatingThrottle(SessionThrottle):
    """Limits the ratings of a session, each of which is an event for all representatives."""

    scope = "widget_ratings_session"


class AddressConversationThrottle(AddressThrottle):
    """Limits the new conversations of an address."""

    scope = "widget_conversations_address"


class WebchatConversationThrottle(WebchatThrottle):
    """Limits the new conversations of a webchat."""

    scope = "widget_conversations_webchat"


class SessionReplyThrottle(SessionThrottle):
    """Limits the AI's replies to a session."""

    scope = "widget_replies_session"


class AddressReplyThrottle(AddressThrottle):
    """Limits the AI's replies to an address."""

    scope = "widget_replies_address"


class WebchatReplyThrottle(WebchatThrottle):
    """Limits the AI's replies in a webchat."""

    scope = "widget_replies_webchat"


#: The limits of a message, and of a reply of the AI to it.
OF_MESSAGES: Final = (SessionMessageThrottle, AddressMessageThrottle)
OF_REPLIES: Final = (SessionReplyThrottle, AddressReplyThrottle, WebchatReplyThrottle)
