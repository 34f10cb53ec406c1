"""Authentication of a visitor's requests by ``Authorization: Bearer <session token>``."""

from typing import NamedTuple

from django.contrib.auth.models import AnonymousUser
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from webchats.conversations.errors import SessionExpired
from webchats.conversations.message_queries import find_webchat
from webchats.conversations.sessions import Session, check_session, read_token
from webchats.models import Webchat


class Access(NamedTuple):
    """A visitor's valid session, and its webchat, which is enabled."""

    session: Session
    webchat: Webchat


class VisitorAuthentication(BaseAuthentication):
    """Authenticates a visitor of the webchat in the path. ``request.auth`` is an ``Access``."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Access]:
        """Return no user, and the access of the visitor.

        Raise ``SessionExpired`` without a valid session of this webchat, and ``WebchatDisabled``
        if the webchat is disabled or deleted.
        """
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise SessionExpired
        session = read_token(get_webchat_id(request), token.strip())
        webchat = find_webchat(session.webchat_id)
        check_session(webchat, session)
        assert webchat is not None
        return AnonymousUser(), Access(session, webchat)

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401 response (RFC 6750, section 3)."""
        return 'Bearer realm="widget"'


class HasSession(BasePermission):
    """Require a visitor's session, whatever the authentication classes are."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, Access)


class SessionScheme(OpenApiAuthenticationExtension):
    """The security scheme of the widget: a session token."""

    target_class = VisitorAuthentication
    name = "session"
    # Before the scheme of all authentication classes.
    priority = 1

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A visitor's session token from `/widget/{webchat_id}/session`.",
        }


def get_webchat_id(request: Request) -> str:
    """Return the id in the path, which can be any text."""
    return str(request.parser_context["kwargs"]["webchat_id"])
