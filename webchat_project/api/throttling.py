"""Throttles of API requests. The rates are settings: ``RATE_LIMIT_…``."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from rest_framework.request import Request
from rest_framework.throttling import AnonRateThrottle, SimpleRateThrottle

from webchat_project.client_address import client_network
from webchat_project.observability.security_log import SecurityEvent, log_event

if TYPE_CHECKING:
    # ``rest_framework.views`` imports this module for the default throttles.
    from rest_framework.views import APIView

#: A key of ``request.META``, set when the throttles of a request have been checked.
CHECKED: Final = "rest_framework.throttles_checked"


class Window(NamedTuple):
    """The keys of two counters: of the current period and of the previous one."""

    current: str
    previous: str
    #: Seconds for which the counters are kept.
    timeout: int


class SlidingWindowThrottle(SimpleRateThrottle):
    """Counts requests in a sliding window with two counters.

    The counters are the requests of the current period and of the previous one, which is assumed
    to be evenly spread. They are incremented atomically. DRF's throttle writes a list of
    timestamps for each request, which is slow for high rates and loses parallel requests.
    """

    num_requests: int
    duration: int
    count: int
    previous_count: int

    def __init__(self) -> None:
        super().__init__()
        #: Fields of the security event about a throttled caller.
        self.log_fields: dict[str, str] = {}

    def parse_rate(self, rate: str | None) -> tuple[int | None, int | None]:
        """Return requests and seconds of a rate such as ``30/min`` or ``10/5min``."""
        requests, _, period = (rate or "").partition("/")
        unit = period.lstrip("0123456789")
        number, seconds = super().parse_rate(f"{requests}/{unit}" if rate else None)
        factor = period.removesuffix(unit)
        return number, seconds * int(factor) if seconds and factor else seconds

    def allow_request(self, request: Request, view: "APIView") -> bool:
        request.META[CHECKED] = True
        return self.count_request(request, view) or self.throttle_failure()

    def count_request(self, request: Request, view: "APIView") -> bool:
        """Count the request and return ``True``, or return ``False`` if the limit is reached."""
        window = self.begin(request, view)
        if window is None or self.decide(*self._count(window)):
            return True
        self.take_back(window)
        return False

    def begin(self, request: Request, view: "APIView") -> Window | None:
        """Return the counters of the request, ``None`` if it is not limited."""
        key = None if self.rate is None else self.get_cache_key(request, view)
        if key is None:
            return None
        period, seconds = divmod(self.timer(), self.duration)
        self.elapsed = seconds / self.duration
        return Window(f"{key}:{int(period)}", f"{key}:{int(period) - 1}", 2 * self.duration)

    def decide(self, count: int, previous_count: int) -> bool:
        """Return whether a request that was counted is allowed."""
        self.count, self.previous_count = count, previous_count
        return self.count + self.previous_count * (1 - self.elapsed) <= self.num_requests

    def take_back(self, window: Window) -> None:
        """Let a throttled request not count."""
        # The key is missing if the cache has just become unavailable, or available again.
        with suppress(ValueError):
            self.cache.decr(window.current)

    @classmethod
    def _count(cls, window: Window) -> tuple[int, int]:
        """Increment the counter of the current period, and return both."""
        # Not every backend has the method.
        count = getattr(cls.cache, "count", None)
        if count is not None:
            number, before = count(*window)
            return number, before
        return cls._increment(window), cls.cache.get(window.previous, 0)

    @classmethod
    def count_each(cls, windows: Sequence[Window]) -> list[tuple[int, int]]:
        """Increment the counters of several requests, in one round trip if the cache can."""
        count_each = getattr(cls.cache, "count_each", None)
        if count_each is not None:
            counts: list[tuple[int, int]] = count_each(windows)
            return counts
        return [cls._count(window) for window in windows]

    @classmethod
    def _increment(cls, window: Window) -> int:
        with suppress(ValueError):  # the key does not exist
            return cls.cache.incr(window.current)
        if cls.cache.add(window.current, 1, window.timeout):
            return 1
        with suppress(ValueError):
            return cls.cache.incr(window.current)
        return 1

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
        return client_network(request.META)


def find_refusal(
    throttles: Iterable[SlidingWindowThrottle], request: Request, view: "APIView"
) -> SlidingWindowThrottle | None:
    """Count the request in each throttle; return the first that refuses it, ``None`` if none does.

    That one and those after it do not count it. All are counted in one round trip if the cache can.
    """
    request.META[CHECKED] = True
    limits = [
        (throttle, window)
        for throttle in throttles
        if (window := throttle.begin(request, view)) is not None
    ]
    counts = SlidingWindowThrottle.count_each([window for _, window in limits]) if limits else []
    for place, ((throttle, _), numbers) in enumerate(zip(limits, counts, strict=True)):
        if not throttle.decide(*numbers):
            for other, window in limits[place:]:
                other.take_back(window)
            throttle.throttle_failure()
            return throttle
    return None


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
