"""A limit of the requests of one client that run at a time in a process.

Each request occupies a thread and some memory, whatever its page is. Without a limit, those of one
organization could occupy all.
"""

from itertools import islice
from threading import Condition
from time import monotonic
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import Counter

from webchat_project.body_size import is_upload, read_to_end
from webchat_project.client_address import client_network
from webchat_project.middleware import GetResponse, unavailable_response
from webchat_project.observability.request_log import known_user, mark_refused

#: Seconds that a request waits for others of its client.
WAIT_SECONDS: float = 2
#: Seconds that the oldest request of a client may last while others use the last threads to wait.
#: Pages that many representatives fetch at the same moment, after a message, are faster.
PATIENCE_SECONDS: float = 0.5
#: The credentials whose organizations are remembered.
_MAX_KNOWN: Final = 10_000
_MESSAGE: Final = "Too many of your requests run at the same time. Try again in a moment."

REFUSED: Final = Counter(
    "webchats_requests_refused_total",
    "Requests that were refused while others of the same client ran.",
    ["client"],
)
# Exposed from the start, so that a first refusal is an increase.
for _client in ("organization", "address"):
    REFUSED.labels(_client)


class RequestSlots:
    """The requests of this process, by client in the order of their arrival.

    The first ``of_one`` of a client run. Others wait, or are refused while they last and fewer than
    ``of_one`` threads are left.
    """

    def __init__(self, threads: int, of_one: int) -> None:
        self._threads, self._of_one = threads, of_one
        #: The time of arrival of each request.
        self._requests: dict[str, dict[object, float]] = {}
        self._occupied = 0
        self._condition = Condition()

    def acquire(self, client: str) -> object | None:
        """Return a token for ``release``, as soon as the request may run; ``None`` if refused."""
        token, now = object(), monotonic()
        with self._condition:
            own = self._requests.setdefault(client, {})
            timeout = self._seconds_to_wait(own, now)
            if len(own) >= self._of_one and timeout <= 0:
                return None
            own[token] = now
            self._occupied += 1
            if self._condition.wait_for(lambda: token in islice(own, self._of_one), timeout):
                return token
            self._remove(client, token)
            return None

    def release(self, client: str, token: object) -> None:
        """End a request."""
        with self._condition:
            self._remove(client, token)
            self._condition.notify_all()

    def _seconds_to_wait(self, own: dict[object, float], now: float) -> float:
        if self._occupied < self._threads - self._of_one:
            return WAIT_SECONDS
        oldest = next(iter(own.values()), now)
        return oldest + PATIENCE_SECONDS - now

    def _remove(self, client: str, token: object) -> None:
        self._occupied -= 1
        del self._requests[client][token]
        if not self._requests[client]:
            del self._requests[client]


class RequestSlotsMiddleware:
    """Limits the requests of an organization, with its members and API keys, that run at a time.

    The organization of a credential is known from its first request on. Until then, and without a
    valid one, the client is an address. Refused requests get a 503. Uploads have another limit.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._slots = RequestSlots(settings.SERVER_THREADS, settings.REQUESTS_PER_ORGANIZATION)
        #: Organizations by the hash of a credential, which Python salts.
        self._known: dict[int, str] = {}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if is_upload(request):
            return self.get_response(request)
        credential = _hash_credential(request)
        organization_id = self._known.get(credential) if credential else None
        client = organization_id or client_network(request.META)
        token = self._slots.acquire(client)
        if token is None:
            REFUSED.labels("organization" if organization_id else "address").inc()
            mark_refused(request)
            return read_to_end(request, unavailable_response(request, _MESSAGE))
        try:
            response = self.get_response(request)
        finally:
            self._slots.release(client, token)
        user = known_user(request) if credential and organization_id is None else None
        if credential and user is not None:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[credential] = user.organization_id or user.pk
        return response


def _hash_credential(request: HttpRequest) -> int | None:
    """Return the hash of the request's credential: in the admin site, only a session counts."""
    is_admin = request.path_info.startswith("/admin/")
    name = settings.SESSION_COOKIE_NAME
    credential = request.COOKIES.get(name) if is_admin else request.META.get("HTTP_AUTHORIZATION")
    return hash(credential) if credential else None
