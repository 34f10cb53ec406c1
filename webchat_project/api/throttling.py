"""Throttles of API requests and of sign-in attempts. The rates are settings: ``RATE_LIMIT_…``."""

import ipaddress
from typing import TYPE_CHECKING, Final

from rest_framework.request import Request
from rest_framework.throttling import AnonRateThrottle, SimpleRateThrottle

from webchat_project.client_address import client_address
from webchat_project.observability.security_log import SecurityEvent, account_digest, log_event

if TYPE_CHECKING:
    # ``rest_framework.views`` imports this module for the default throttles.
    from rest_framework.views import APIView

#: A key of ``request.META``, set when the throttles of a request have been checked.
CHECKED: Final = "rest_framework.throttles_checked"


class SlidingWindowThrottle(SimpleRateThrottle):
    """Counts requests in a sliding window with two counters.

    The counters are the requests of the current period and of the previous one, which is assumed
    to be evenly spread. They are incremented atomically. DRF's throttle writes a list of
    timestamps for each request, which is slow for high rates and loses parallel requests.
    """

    num_requests: int
    duration: int

    def __init__(self) -> None:
        super().__init__()
        #: Fields of the security event about a throttled caller.
        self.log_fields: dict[str, str] = {}

    def allow_request(self, request: Request, view: "APIView") -> bool:
        request.META[CHECKED] = True
        key = None if self.rate is None else self.get_cache_key(request, view)
        if key is None:
            return True
        period, seconds = divmod(self.timer(), self.duration)
        self.elapsed = seconds / self.duration
        current, previous = f"{key}:{int(period)}", f"{key}:{int(period) - 1}"
        self.previous_count: int = self.cache.get(previous, 0)
        self.count = self._increment(current)
        if self.count + self.previous_count * (1 - self.elapsed) <= self.num_requests:
            return True
        self.cache.decr(current)  # throttled requests do not count
        return self.throttle_failure()

    def _increment(self, key: str) -> int:
        try:
            return self.cache.incr(key)
        except ValueError:  # the key does not exist
            self.cache.add(key, 0, 2 * self.duration)
            return self.cache.incr(key)

    def wait(self) -> float:
        """Return the seconds until one more request is allowed."""
        if self.count <= self.num_requests:  # when enough of the previous period has passed
            share = 1 - (self.num_requests - self.count) / self.previous_count
            return self.duration * (share - self.elapsed)
        # when the next period begins and enough of the current one has passed
        share = 1 - (self.num_requests - 1) / max(1, self.count - 1)
        return self.duration * (1 - self.elapsed + share)

    def throttle_failure(self) -> bool:
        log_event(SecurityEvent.RATE_LIMITED, limit=self.scope, **self.log_fields)
        return super().throttle_failure()

    def get_ident(self, request: Request) -> str:
        """Return the client's IPv4 address, or the /64 network of its IPv6 address.

        A household or a machine usually has a /64 network of its own (RFC 6177).
        """
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


class CredentialRateThrottle(SlidingWindowThrottle):
    """Counts the requests of an API key, or of a user with all their access tokens."""

    scope = "credential"

    def get_cache_key(self, request: Request, view: "APIView") -> str | None:
        if not request.user.is_authenticated:
            return None
        key_id = getattr(request.auth, "pk", None)
        self.log_fields = {"user": request.user.pk} | ({"api_key": key_id} if key_id else {})
        return self.cache_format % {"scope": self.scope, "ident": key_id or request.user.pk}


class AnonymousRateThrottle(SlidingWindowThrottle, AnonRateThrottle):
    """Counts the requests of an address without a valid credential."""

    scope = "address"


class LoginAddressThrottle(SlidingWindowThrottle):
    """Counts the sign-in attempts of an address, for views with ``throttle_scope = "login"``."""

    scope = "sign_in_address"

    def get_cache_key(self, request: Request, view: "APIView") -> str | None:
        if getattr(view, "throttle_scope", None) != "login":
            return None
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}


class LoginAccountThrottle(SlidingWindowThrottle):
    """Counts the sign-in attempts on an account, for views with ``throttle_scope = "login"``."""

    scope = "sign_in_account"

    def get_cache_key(self, request: Request, view: "APIView") -> str | None:
        if getattr(view, "throttle_scope", None) != "login":
            return None
        email = request.data.get("email") if isinstance(request.data, dict) else None
        if not isinstance(email, str):
            return None
        # An e-mail address is personal, and may be too long for a cache key.
        account = account_digest(email)
        self.log_fields = {"account": account}
        return self.cache_format % {"scope": self.scope, "ident": account}
