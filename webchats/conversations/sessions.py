"""Sessions of visitors: signed tokens that prove a visitor's right to write in a widget.

The requests of the frame have the origin of this service, so they do not prove which page embeds
it. The customer's page does: its browser sends ``Origin`` with the request for a ticket, and the
frame exchanges the ticket for a session token. Nothing is stored, so each use of a token is checked
against the webchat as it is now.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from django.conf import settings
from django.core.signing import BadSignature, Signer, TimestampSigner
from django.utils import timezone
from rest_framework.exceptions import NotFound

from webchats.conversations.errors import SessionExpired, WebchatDisabled
from webchats.conversations.models.conversation import VISITOR_ID_LENGTH
from webchats.domains import MAX_ENTRY_LENGTH, may_embed

#: Seconds for which a ticket can be exchanged for sessions.
TICKET_SECONDS: Final = 60
#: The time after its expiry in which a token can be renewed.
RENEWAL_PERIOD: Final = timedelta(days=7)


class SessionWebchat(Protocol):
    """The attributes of a webchat that decide whether its sessions are valid."""

    @property
    def pk(self) -> Any:
        """The id."""

    @property
    def is_enabled(self) -> bool:
        """Whether the widget is active."""

    @property
    def allowed_domains(self) -> list[str]:
        """The sites that may embed the widget."""

    @property
    def sessions_valid_from(self) -> datetime | None:
        """The time before which no valid session was issued; ``None`` for no limit."""


@dataclass(frozen=True, slots=True)
class Session:
    """The right of one visitor to write in one webchat, until ``expires_at``."""

    webchat_id: str
    visitor_id: str
    #: The ``Origin`` of the customer's page, empty if it sent none.
    origin: str
    issued_at: datetime
    expires_at: datetime

    @property
    def token(self) -> str:
        """The session as a signed token, which a visitor's browser keeps."""
        return _token_signer().sign_object(
            {
                "webchat": self.webchat_id,
                "visitor": self.visitor_id,
                "origin": self.origin,
                "issued": self.issued_at.isoformat(),
                "expires": self.expires_at.isoformat(),
            }
        )


def issue_ticket(webchat: SessionWebchat, origin: str | None) -> str:
    """Return a ticket for the page with the ``Origin`` header ``origin``, ``None`` if absent.

    Raise ``NotFound`` if the webchat is disabled, or the page may not embed it.
    """
    if not webchat.is_enabled or not may_embed(
        webchat.allowed_domains, origin=origin, referer=None
    ):
        raise NotFound("Not found.")
    # Without allowed domains, the header may contain any text.
    kept = origin if origin is not None and len(origin) <= MAX_ENTRY_LENGTH else ""
    return _ticket_signer().sign_object({"webchat": webchat.pk, "origin": kept})


def start_session(webchat: SessionWebchat, ticket: str, token: str | None = None) -> Session:
    """Return a new session for the page that got the ticket.

    The visitor is that of ``token``, an earlier one of the same webchat, if it can be renewed, and
    a new one otherwise. Raise ``NotFound`` if the ticket is not valid, or the page may no longer
    embed the webchat.
    """
    try:
        content = _ticket_signer().unsign_object(ticket, max_age=TICKET_SECONDS)
    except (BadSignature, ValueError):
        raise NotFound("Not found.") from None
    if (
        content["webchat"] != webchat.pk
        or not webchat.is_enabled
        or not may_embed(webchat.allowed_domains, origin=content["origin"], referer=None)
    ):
        raise NotFound("Not found.")
    now = timezone.now()
    return Session(
        webchat_id=webchat.pk,
        visitor_id=_renewable_visitor_id(webchat, token) or _new_visitor_id(),
        origin=content["origin"],
        issued_at=now,
        expires_at=now + timedelta(days=settings.WIDGET_SESSION_DAYS),
    )


def read_token(webchat_id: str, token: str) -> Session:
    """Return the session of a token that was issued for the webchat, without its current state.

    Raise ``SessionExpired`` for a token that is expired, of another webchat, or not ours.
    """
    session = _parse(token)
    if session is None or session.webchat_id != webchat_id or session.expires_at <= timezone.now():
        raise SessionExpired
    return session


def check_session(webchat: SessionWebchat | None, session: Session) -> None:
    """Raise an error if the session has ended. ``webchat`` is ``None`` if it has been deleted.

    The error is ``SessionExpired`` if the session is expired, or was ended, or its page may no
    longer embed the webchat, and otherwise ``WebchatDisabled`` if the webchat is not active.
    """
    if session.expires_at <= timezone.now():
        raise SessionExpired
    if webchat is None:
        raise WebchatDisabled
    if _was_ended(webchat, session) or not may_embed(
        webchat.allowed_domains, origin=session.origin, referer=None
    ):
        raise SessionExpired
    if not webchat.is_enabled:
        raise WebchatDisabled


def verify_session(webchat: SessionWebchat, token: str) -> Session:
    """Return the session of a token. Raise as ``read_token`` and ``check_session`` do."""
    session = read_token(webchat.pk, token)
    check_session(webchat, session)
    return session


# Both also accept SECRET_KEY_FALLBACKS, so that rotating SECRET_KEY ends no session. The separator
# is one that a Bearer token may contain (RFC 6750, section 2.1).


def _ticket_signer() -> TimestampSigner:
    return TimestampSigner(salt="webchats.conversations.ticket", sep=".")


def _token_signer() -> Signer:
    return Signer(salt="webchats.conversations.session", sep=".")


def _parse(token: str) -> Session | None:
    try:
        content = _token_signer().unsign_object(token)
    except (BadSignature, ValueError):
        return None
    return Session(
        webchat_id=content["webchat"],
        visitor_id=content["visitor"],
        origin=content["origin"],
        issued_at=datetime.fromisoformat(content["issued"]),
        expires_at=datetime.fromisoformat(content["expires"]),
    )


def _renewable_visitor_id(webchat: SessionWebchat, token: str | None) -> str | None:
    session = _parse(token) if token else None
    if (
        session is None
        or session.webchat_id != webchat.pk
        or session.expires_at + RENEWAL_PERIOD <= timezone.now()
        or _was_ended(webchat, session)
    ):
        return None
    return session.visitor_id


def _was_ended(webchat: SessionWebchat, session: Session) -> bool:
    valid_from = webchat.sessions_valid_from
    return valid_from is not None and session.issued_at < valid_from


def _new_visitor_id() -> str:
    return secrets.token_hex(VISITOR_ID_LENGTH // 2)
