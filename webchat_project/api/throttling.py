"""How much a client may send, and how often. The numbers are settings."""

import ipaddress
from typing import TYPE_CHECKING

from rest_framework.request import Request
from rest_framework.throttling import AnonRateThrottle, SimpleRateThrottle

from webchat_project.client_address import client_address
from webchat_project.observability.security_log import (
    SecurityEvent,
    account_digest,
    log_event,
)

if TYPE_CHECKING:
    # The framework's views import this module: it has their default throttles.
    from rest_framework.views import APIView


class _CountingThrottle(SimpleRateThrottle):
    """Counts in a sliding window, and remembers that a request was counted: see
    ``errors.exception_handler``.

    The framework's own keeps the moment of every request in one list, which each request reads and
    writes: that is slow where the limit is high, and of two requests at once one is forgotten.
    Here two numbers do: the requests of this period, and those of the one before it as far as the
    window still reaches into it, taken as evenly spread. The cache adds up, so none is lost.
    """

    num_requests: int
    duration: int

    #: Whom the limit is about, where it is not the address.
    who: dict[str, str | None]

    def __init__(self) -> None:
        super().__init__()
        self.who = {}

    def allow_request(self, request: Request, view: "APIView") -> bool:
        request.was_counted = True  # type: ignore[attr-defined]
        key = None if self.rate is None else self.get_cache_key(request, view)
        if key is None:
            return True
        period, into = divmod(self.timer(), self.duration)
        self.passed = into / self.duration
        this, last = f"{key}:{int(period)}", f"{key}:{int(period) - 1}"
        self.before = self.cache.get(last, 0)
        self.count = self._add_to(this, 1)
        if self.count + self.before * (1 - self.passed) <= self.num_requests:
            return True
        self._add_to(this, -1)  # what is refused does not count
        return self.throttle_failure()

    def _add_to(self, key: str, number: int) -> int:
        try:
            return self.cache.incr(key, number)
        except ValueError:  # not there yet
            self.cache.add(key, 0, 2 * self.duration)
            return self.cache.incr(key, number)

    def wait(self) -> float:
        """Seconds until the window has moved on far enough for one request more."""
        count = self.count
        if count <= self.num_requests:  # when enough of the period before is out of the window
            free = 1 - (self.num_requests - count) / self.before
            return float(self.duration * (free - self.passed))
        # when the next period begins, and enough of this one is out of the window
        free = 1 - (self.num_requests - 1) / max(1, count - 1)
        return float(self.duration * (1 - self.passed + free))

    def throttle_failure(self) -> bool:
        """Called for one request too many, at the API's door and at the staff's."""
        log_event(SecurityEvent.RATE_LIMITED, limit=self.scope, **self.who)
        return super().throttle_failure()

    def get_ident(self, request: Request) -> str:
        """The client's address; of an IPv6 address the network of 64 bits, since that is what one
        household or one machine is given (RFC 6177)."""
        ident = client_address(request.META)
        try:
            address = ipaddress.ip_address(ident)
        except ValueError:
            return ident
        if isinstance(address, ipaddress.IPv6Address):
            if address.ipv4_mapped:
                return str(address.ipv4_mapped)
            return str(ipaddress.ip_network((address, 64), strict=False))
        return ident


class CredentialRateThrottle(_CountingThrottle):
    """Counts what one credential sends: an API key, or a user however many tokens they hold."""

    scope = "credential"

    def get_cache_key(self, request: Request, view: "APIView") -> str | None:
        if not request.user.is_authenticated:
            return None
        key_id = getattr(request.auth, "pk", None)
        self.who = (
            {"user": request.user.pk, "api_key": key_id} if key_id else {"user": request.user.pk}
        )
        return self.cache_format % {"scope": self.scope, "ident": key_id or request.user.pk}


class AddressRateThrottle(_CountingThrottle, AnonRateThrottle):
    """Counts what an address sends without a credential, or with a bad one."""

    scope = "address"


class SignInAddressThrottle(_CountingThrottle):
    """Counts sign-in attempts from one address, whoever is tried.

    Like the next one it stands among the defaults and acts where a view's ``throttle_scope`` says
    ``sign_in``.
    """

    scope = "sign_in_address"

    def get_cache_key(self, request: Request, view: "APIView") -> str | None:
        if getattr(view, "throttle_scope", None) != "sign_in":
            return None
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}


class SignInAccountThrottle(_CountingThrottle):
    """Counts sign-in attempts on one account, wherever they come from."""

    scope = "sign_in_account"

    def get_cache_key(self, request: Request, view: "APIView") -> str | None:
        if getattr(view, "throttle_scope", None) != "sign_in":
            return None
        email = request.data.get("email") if isinstance(request.data, dict) else None
        if not isinstance(email, str):
            return None
        # A digest: an address is personal, and a cache key has a length and an alphabet.
        account = account_digest(email)
        self.who = {"account": account}
        return self.cache_format % {"scope": self.scope, "ident": account}
