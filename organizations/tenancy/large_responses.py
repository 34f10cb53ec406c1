"""The large responses that a process builds and sends at a time."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final
from weakref import finalize

from django.db.models import Func, IntegerField
from django.http import HttpRequest

from organizations.models import User
from organizations.tenancy.concurrency import ConcurrencyLimit
from webchat_project.api.exceptions import DependencyUnavailable
from webchat_project.client_address import client_network

#: A response of more bytes is large. Most pages of 100 webchats are smaller.
LARGE_BYTES: Final = 256 * 1024
#: Large responses of a process: to one organization, and to all. Each takes some times its size in
#: memory while it is built, and occupies a thread until the client has read it.
MAX_OF_ONE: Final = 3
MAX_LARGE: Final = 6
#: The same for clients without a credential: to one address, and to all. They are counted apart, so
#: that they cannot delay users. The OpenAPI document is such a response.
MAX_OF_ADDRESS: Final = 2
MAX_ANONYMOUS: Final = 3
#: The key of the function that ends the count in ``request.META``.
RESERVED: Final = "large_response"

_to_users: Final = ConcurrencyLimit(MAX_LARGE, MAX_OF_ONE)
_to_anonymous: Final = ConcurrencyLimit(MAX_ANONYMOUS, MAX_OF_ADDRESS)


class ResponsesBusy(DependencyUnavailable):
    """Other large responses have not been read yet."""

    log_message = "A large response was not sent"
    client_message = (
        "Other large responses have not been read to their end. Try again in a moment, or request "
        "fewer rows."
    )


class Bytes(Func):
    """The number of bytes of a text, which PostgreSQL finds without reading it."""

    function = "OCTET_LENGTH"
    output_field = IntegerField()

    # Any: the arguments of Django's method.
    def as_sqlite(self, *arguments: Any, **options: Any) -> Any:
        """Return SQL for versions before 3.43, too."""
        template = "LENGTH(CAST(%(expressions)s AS BLOB))"
        return self.as_sql(*arguments, **{**options, "template": template})


def reserve_large_response(request: HttpRequest) -> None:
    """Count the response to the request as a large one, unless it is already counted.

    Clients are counted by organization, or by address without a credential. Raise
    ``ResponsesBusy`` at the limit.
    """
    if RESERVED not in request.META:
        # DRF sets the user of the API on Django's request, too.
        user = getattr(request, "user", None)
        if isinstance(user, User):
            limit, client = _to_users, user.organization_id or user.pk
        else:
            limit, client = _to_anonymous, client_network(request.META)
        limit.add(client, ResponsesBusy(), ResponsesBusy())
        # Also for a request without a response, because of an error in a middleware.
        request.META[RESERVED] = finalize(request, partial(limit.discard, client))


def take_reservation(request: HttpRequest) -> Callable[[], object]:
    """Return the function that ends the count of the response, and remove it from the request.

    It does nothing if the response is not counted.
    """
    reserved: finalize[[], HttpRequest] | None = request.META.pop(RESERVED, None)
    detached = reserved.detach() if reserved else None
    return detached[1] if detached else lambda: None
