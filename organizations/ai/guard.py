"""The HTTP transport of the model clients. It connects to allowed addresses only.

The host name is resolved once per request. The connection goes to one of the addresses that were
checked, and the certificate is checked against the host name. The transport knows no proxy and no
``.netrc``, and sends only the headers of the provider: not those that an SDK reads from the
environment of the process.
"""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Final

import httpx2

from organizations.ai.addresses import (
    REFUSED,
    AddressRefused,
    Endpoint,
    Resolver,
    parse_endpoint,
    require_allowed,
    resolve,
)
from organizations.ai.limits import limit

#: Addresses that are tried one after another until one accepts the connection.
_MAX_ATTEMPTS: Final = 3
#: Seconds that a request waits for the name server.
RESOLVE_SECONDS: Final = 5
_CONNECT_SECONDS: Final = 5
#: Separate threads: look-ups of names whose servers do not respond hang for a while.
_resolve_executor: Final = ThreadPoolExecutor(32, thread_name_prefix="resolve")
#: Lookups of one organization at a time. Further ones would occupy the threads of the others.
MAX_LOOKUPS_OF_ONE: Final = 4
#: Lookups under way and the organizations that started them, by resolver, host and port.
_lookups: Final[dict[tuple[Resolver, str, int], tuple[Future[list[str]], str]]] = {}
#: Headers of an SDK's request that are sent. The others describe the client's machine, or may come
#: from the environment.
_SENT_HEADERS: Final = (
    "accept",
    "anthropic-version",
    "content-length",
    "content-type",
    "transfer-encoding",
)


@cache
def get_ssl_context() -> ssl.SSLContext:
    """Return the context with the usual certificate authorities.

    All clients share it: to load the authorities takes 20 ms of CPU, while other calls wait.
    """
    return httpx2.create_ssl_context(trust_env=False)


class ConnectionRefused(httpx2.ConnectError):
    """The address is not allowed, so that no connection was made."""


class GuardedTransport(httpx2.AsyncBaseTransport):
    """A transport to public addresses, and to those in ``AI_ALLOWED_ADDRESSES``.

    ``headers`` are added to each request. Lookups of names are counted for ``organization_id``.
    """

    def __init__(
        self,
        headers: Mapping[str, str],
        *,
        organization_id: str = "",
        resolver: Resolver = resolve,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._headers = dict(headers)
        self._organization_id = organization_id
        self._resolver = resolver
        self._inner = httpx2.AsyncHTTPTransport(
            verify=ssl_context or get_ssl_context(), trust_env=False
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request to one of the allowed addresses.

        Raise ``ConnectionRefused`` if there is none, and another ``TransportError`` if the name
        server does not respond or the connection fails.
        """
        url = request.url
        try:
            endpoint = parse_endpoint(str(url.copy_with(query=None)))
            addresses = require_allowed(endpoint, await self._resolve(endpoint))
        except AddressRefused as error:
            raise ConnectionRefused(str(error), request=request) from None
        for address in addresses[:_MAX_ATTEMPTS]:
            try:
                response = await self._inner.handle_async_request(
                    self._pinned(request, endpoint, address)
                )
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                if address == addresses[:_MAX_ATTEMPTS][-1]:
                    raise
            else:
                return limit(response)
        raise AssertionError("There is at least one address.")

    async def _resolve(self, endpoint: Endpoint) -> list[str]:
        try:
            lookup = asyncio.wrap_future(self._look_up(endpoint))
            # It may fail after this request has given up. Otherwise asyncio would log an error.
            lookup.add_done_callback(lambda done: done.cancelled() or done.exception())
            async with asyncio.timeout(RESOLVE_SECONDS):
                return await asyncio.shield(lookup)
        except TimeoutError:
            raise httpx2.ConnectTimeout("The name server does not respond.") from None
        except (OSError, UnicodeError) as error:
            if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
                raise httpx2.ConnectError("The name server has a temporary failure.") from None
            # As for a private address, so that existing names cannot be found out.
            raise AddressRefused(REFUSED) from None

    def _look_up(self, endpoint: Endpoint) -> Future[list[str]]:
        """Return the lookup of the name that is under way, or start one.

        Retries of a name whose server does not respond occupy one thread only. Raise
        ``ConnectError`` for one more than ``MAX_LOOKUPS_OF_ONE``.
        """
        key = (self._resolver, endpoint.host, endpoint.port)
        if found := _lookups.get(key):
            return found[0]
        owners = [owner for _, owner in list(_lookups.values())]
        if owners.count(self._organization_id) >= MAX_LOOKUPS_OF_ONE:
            raise httpx2.ConnectError("The name servers of other providers do not respond.")
        lookup = _resolve_executor.submit(self._resolver, endpoint.host, endpoint.port)
        _lookups[key] = lookup, self._organization_id
        lookup.add_done_callback(lambda _: _lookups.pop(key, None))
        return lookup

    def _pinned(self, request: httpx2.Request, endpoint: Endpoint, address: str) -> httpx2.Request:
        """Return the request with ``address`` in place of the host name."""
        kept = {name: request.headers[name] for name in _SENT_HEADERS if name in request.headers}
        host = request.url.netloc.decode("ascii")
        return httpx2.Request(
            request.method,
            request.url.copy_with(host=address),
            headers={"host": host, "accept-encoding": "identity", **kept, **self._headers},
            stream=request.stream,
            # The name in the certificate.
            extensions={**request.extensions, "sni_hostname": endpoint.host},
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def make_http_client(
    headers: Mapping[str, str],
    *,
    read_seconds: float,
    organization_id: str = "",
    resolver: Resolver = resolve,
    ssl_context: ssl.SSLContext | None = None,
) -> httpx2.AsyncClient:
    """Return a client with ``GuardedTransport``, which follows no redirects.

    ``headers`` authenticate the requests. ``read_seconds`` limits the time between two chunks.
    """
    return httpx2.AsyncClient(
        transport=GuardedTransport(
            headers, organization_id=organization_id, resolver=resolver, ssl_context=ssl_context
        ),
        timeout=httpx2.Timeout(read_seconds, connect=_CONNECT_SECONDS),
        follow_redirects=False,
        trust_env=False,
    )
