"""Who may open a stream: sessions, limits, and positions in requests."""

import re
from typing import Final

from django.conf import settings
from rest_framework.exceptions import NotFound, Throttled, ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from organizations.jobs.database import run_query
from organizations.models import Organization, User
from webchat_project.api.object_ids import OBJECT_ID_PATTERN
from webchat_project.api.throttling import CredentialRateThrottle
from webchat_project.client_address import client_network
from webchat_project.observability.security_log import SecurityEvent, log_event
from webchats.conversations.live.credentials import StaffCredential, authenticate
from webchats.conversations.live.hub import Hub
from webchats.conversations.live.organizations import OrganizationStream, load_versions
from webchats.conversations.live.presence import Present
from webchats.conversations.live.requests import StreamRequest
from webchats.conversations.live.updates import Position, VisitorKey
from webchats.conversations.live.visitor_checks import exceeded_limits, refuse
from webchats.conversations.live.visitors import VisitorStream
from webchats.conversations.presence import load_presence

#: Seconds after which a client should retry when it has too many streams.
RETRY_SECONDS: Final = 10
#: The largest sequence of the database.
_MAX_SEQUENCE: Final = 2**31 - 1
_MAX_DIGITS: Final = len(str(_MAX_SEQUENCE))

_EVENT_ID: Final = re.compile(rf"({OBJECT_ID_PATTERN}):([0-9]{{1,10}})")


class _StaffRequest(APIView):
    """The throttle of requests of staff."""

    throttle_classes = (CredentialRateThrottle,)


async def open_visitor_stream(hub: Hub, request: StreamRequest, webchat_id: str) -> VisitorStream:
    """Return a registered stream for the session of the request.

    Raise ``SessionExpired``, ``WebchatDisabled``, ``Throttled`` or ``ValidationError``.
    """
    checked = await hub.checks.get((request, webchat_id))
    if exceeded := exceeded_limits(checked):
        await run_query(refuse, exceeded)
    session = checked.session
    position = _get_position(request)
    address = client_network(request.META)
    key = VisitorKey(session.webchat_id, session.visitor_id)
    # Nothing is awaited between the test of the limits and the registration.
    if hub.count_of_visitor(key) >= settings.LIVE_STREAMS_PER_SESSION:
        _refuse("live_session")
    if hub.streams_by_address[address] >= settings.LIVE_STREAMS_PER_ADDRESS:
        _refuse("live_address")
    stream = VisitorStream(session, address, position)
    hub.add_visitor(stream, checked.terms)
    return stream


async def open_organization_stream(hub: Hub, request: StreamRequest) -> OrganizationStream:
    """Return a registered stream for the user or the API key of the request.

    Raise ``NotAuthenticated``, ``InvalidCredential``, ``PermissionDenied``, ``ValidationError``
    for a superuser without ``organization``, ``NotFound`` or ``Throttled``.
    """
    credential = await run_query(_get_credential, request)
    organization_id = await run_query(
        find_organization_id, credential.user, request.GET.get("organization", "")
    )
    # Heartbeats before the start of this process.
    stored = await run_query(load_presence, organization_id)
    for user_id, rep in stored.reps.items():
        for visited_id, visit in rep["visits"].items():
            present = Present(user_id, rep["name"], visited_id)
            hub.heartbeats.receive(organization_id, present, visit["until"] - stored.now)
    is_first = organization_id not in hub.organizations
    versions = await run_query(load_versions, organization_id) if is_first else {}
    # Nothing is awaited until the registration.
    if hub.streams_by_user[credential.user.pk] >= settings.LIVE_STREAMS_PER_USER:
        _refuse("live_user")
    conversation_id = request.GET.get("conversation", "")
    is_id = re.fullmatch(OBJECT_ID_PATTERN, conversation_id)
    stream = OrganizationStream(credential, organization_id, conversation_id if is_id else None)
    hub.add_organization(stream, versions)
    return stream


def _get_credential(request: StreamRequest) -> StaffCredential:
    """Return the credential of the request, which counts as any other request of the user."""
    credential = authenticate(request.bearer_token)
    counted = Request(request, authenticators=())
    counted.user, counted.auth = credential.user, None
    _StaffRequest().check_throttles(counted)
    return credential


def find_organization_id(user: User, requested: str) -> str:
    """Return the member's organization, or the organization that a superuser requests.

    Raise ``NotFound`` for another one, and ``ValidationError`` if a superuser requests none.
    """
    if user.organization_id is not None:
        if requested not in ("", user.organization_id):
            raise NotFound("Not found.")
        return user.organization_id
    if not requested:
        raise ValidationError({"organization": ["Send the id of an organization."]}, "required")
    organization = Organization.objects.filter(pk=requested).first()
    if organization is None:
        raise NotFound("Not found.")
    return organization.pk


def _refuse(limit: str) -> None:
    log_event(SecurityEvent.RATE_LIMITED, limit=limit)
    raise Throttled(wait=RETRY_SECONDS)


def _get_position(request: StreamRequest) -> Position | None:
    """Return the position of ``Last-Event-ID``, which a browser sends, or of the query string.

    A malformed ``Last-Event-ID`` is ignored.
    """
    match = _EVENT_ID.fullmatch(request.META.get("HTTP_LAST_EVENT_ID", ""))
    if match is not None:
        return Position(match[1], int(match[2]))
    conversation = request.GET.get("conversation", "")
    after = request.GET.get("after", "") or "0"
    is_number = after.isascii() and after.isdigit() and len(after) <= _MAX_DIGITS
    if not is_number or int(after) > _MAX_SEQUENCE:
        message = f"Send a number from 0 to {_MAX_SEQUENCE}."
        raise ValidationError({"after": [message]}, "invalid")
    return Position(conversation, int(after)) if conversation else None
