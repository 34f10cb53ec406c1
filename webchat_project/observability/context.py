"""What every log record of a request carries: the request's id and the client's address."""

import re
import secrets
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, NamedTuple

from webchat_project.client_address import client_address
from webchat_project.observability.redaction import redacted

HEADER = "X-Request-ID"

_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")
#: What stands where an address should be may be anything that a client sent.
_ADDRESS = re.compile(r"[0-9A-Fa-f.:\[\]]{2,64}")


class RequestContext(NamedTuple):
    """One request, as the logs name it."""

    request_id: str
    address: str

    @classmethod
    def of(cls, meta: Mapping[str, Any]) -> "RequestContext":
        """The context of a request, from its ``META`` or its WSGI environment; its id is the one
        it came with, if that is well-formed."""
        request_id, address = _request_id(meta), client_address(meta)
        return cls(request_id, address if _ADDRESS.fullmatch(address) else "")


#: The request that this thread or task is about; ``None`` outside of one.
current: ContextVar[RequestContext | None] = ContextVar("request_context", default=None)


def _request_id(meta: Mapping[str, Any]) -> str:
    given = meta.get("HTTP_X_REQUEST_ID")
    # An id that looks like a secret is none.
    if given and _WELL_FORMED.fullmatch(given) and redacted(given) == given:
        return str(given)
    return secrets.token_hex(16)
