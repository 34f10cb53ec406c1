"""The checks of requests for streams of visitors, which are made for many requests together."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.views import APIView

from webchat_project.api.throttling import CHECKED, SlidingWindowThrottle, Window
from webchats.conversations.live.requests import StreamRequest
from webchats.conversations.live.webchats import Terms, load_webchat, terms_of
from webchats.conversations.sessions import Session, check_session, read_token
from webchats.conversations.visitor.authentication import Access
from webchats.conversations.visitor.throttling import (
    AddressRequestThrottle,
    SessionRequestThrottle,
)

_THROTTLES = (AddressRequestThrottle, SessionRequestThrottle)
_view = APIView()

#: A throttle with the counters of a request.
Limit = tuple[SlidingWindowThrottle, Window]


class Checked(NamedTuple):
    """A valid session, and the webchat's terms for which it is valid."""

    session: Session
    terms: Terms
    #: Each limit, with the requests of the current period and of the previous one.
    counted: list[tuple[Limit, tuple[int, int]]]


def check_visitors(requests: list[tuple[StreamRequest, str]]) -> list[Checked | Exception]:
    """Return the checked session for each request and webchat id, or the reason of its refusal.

    Each counts as any other request of its visitor. Each webchat is read once, and the counters are
    incremented in one round trip. CPU time for a request, one by one divided by 50 together: 4.
    """
    load = cache(load_webchat)
    accesses: list[Access | Exception] = []
    for request, webchat_id in requests:
        try:
            session = read_token(webchat_id, request.bearer_token)
            webchat = load(webchat_id)
            check_session(webchat, session)
            assert webchat is not None
            accesses.append(Access(session, webchat))
        except Exception as error:  # noqa: BLE001 - raised for this request
            accesses.append(error)
    limits = [
        _limits(request, access) if isinstance(access, Access) else []
        for (request, _), access in zip(requests, accesses, strict=True)
    ]
    windows = [window for each in limits for _, window in each]
    counts = iter(SlidingWindowThrottle.count_each(windows) if windows else ())
    return [
        Checked(access.session, terms_of(access.webchat), [(limit, next(counts)) for limit in each])
        if isinstance(access, Access)
        else access
        for access, each in zip(accesses, limits, strict=True)
    ]


def exceeded_limits(checked: Checked) -> list[Limit]:
    """Return the limits that the request exceeds."""
    return [limit for limit, counts in checked.counted if not limit[0].decide(*counts)]


def refuse(limits: Sequence[Limit]) -> None:
    """Log the limits that were exceeded, and raise ``Throttled``."""
    for throttle, window in limits:
        throttle.take_back(window)
        throttle.throttle_failure()
    raise Throttled(max(throttle.wait() for throttle, _ in limits))


def _limits(request: StreamRequest, access: Access) -> list[Limit]:
    request.META[CHECKED] = True
    counted = Request(request, authenticators=())
    counted.auth = access
    throttles = [throttle() for throttle in _THROTTLES]
    windows = [throttle.begin(counted, _view) for throttle in throttles]
    return [
        (throttle, window)
        for throttle, window in zip(throttles, windows, strict=True)
        if window is not None
    ]
