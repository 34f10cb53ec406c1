"""The context of log records: the request's id and the client's address."""

import re
from collections.abc import Mapping
from contextvars import ContextVar
from random import getrandbits
from typing import NamedTuple, Self

from webchat_project.client_address import client_address
from webchat_project.observability.redaction import redacted

REQUEST_ID_HEADER = "X-Request-ID"

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
#: Behind a proxy, the client can send any text in place of an address.
_ADDRESS = re.compile(r"[0-9A-Fa-f.:\[\]]{2,64}")


class RequestContext(NamedTuple):
    """The fields by which log records identify their request."""

    request_id: str
    #: Empty if it is unknown.
    address: str

    @classmethod
    def from_meta(cls, meta: Mapping[str, object]) -> Self:
        """Return the context for ``request.META`` or a WSGI environment.

        The id is that of the ``X-Request-ID`` header. A malformed id, or one that looks like a
        secret, is replaced by a random one.
        """
        request_id = str(meta.get("HTTP_X_REQUEST_ID", ""))
        if not _REQUEST_ID.fullmatch(request_id) or redacted(request_id) != request_id:
            # Not a secret. Unlike the system's random numbers, these let no other thread run.
            request_id = f"{getrandbits(128):032x}"
        address = client_address(meta)
        return cls(request_id, address if _ADDRESS.fullmatch(address) else "")


#: The request that this thread or task handles, ``None`` outside of requests.
current_request: ContextVar[RequestContext | None] = ContextVar("current_request", default=None)
