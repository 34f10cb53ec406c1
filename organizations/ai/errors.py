"""Errors of providers, classified: whether a retry can help, and what staff may read."""

from enum import StrEnum
from typing import Final


class ErrorKind(StrEnum):
    """The class of a ``ProviderError``."""

    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    QUOTA = "quota"
    CONTEXT_OVERFLOW = "context_overflow"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    CONNECTION = "connection"
    TIMEOUT = "timeout"
    #: The stream ended without ``End``.
    INCOMPLETE = "incomplete"
    #: The response, or the request in the provider's view, is not of the protocol.
    MALFORMED = "malformed"
    REFUSED_ADDRESS = "refused_address"
    #: The monthly budget is spent: no call is made.
    BUDGET = "budget"
    #: As many calls run as the provider may have at a time.
    BUSY = "busy"


#: A later attempt can succeed without a change of the provider or the prompt. ``BUSY`` is none of
#: them, because ``usage.reserve`` is called again until the deadline.
_RETRYABLE: Final = frozenset(
    {
        ErrorKind.RATE_LIMITED,
        ErrorKind.SERVER_ERROR,
        ErrorKind.CONNECTION,
        ErrorKind.TIMEOUT,
        ErrorKind.INCOMPLETE,
    }
)


class ProviderError(Exception):
    """A call that gave no complete answer.

    ``message`` is for staff: the problem and how to solve it, without secrets.
    ``retry_after`` is the provider's wish in seconds, if it has one.
    """

    def __init__(self, kind: ErrorKind, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.retry_after = retry_after

    @property
    def is_retryable(self) -> bool:
        """Return whether the same call can succeed later."""
        return self.kind in _RETRYABLE
