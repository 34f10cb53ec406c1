"""Which addresses an endpoint may have, so that no provider reaches into the internal network.

An endpoint needs HTTPS, and its host name only public addresses. ``AI_ALLOWED_ADDRESSES`` lists
exceptions. The rule holds when a provider is saved, and again for each connection (``guard``).
"""

import ipaddress
import re
import socket
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from threading import Lock
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from django.conf import settings

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
#: Returns the addresses of a host name and a port. Raises ``OSError``.
Resolver: TypeAlias = Callable[[str, int], list[str]]

#: The same for a private address and for an unknown name, so that it reveals nothing about names in
#: the internal network.
REFUSED: Final = (
    "The base URL must have https and a host name with public addresses. The operator can list "
    "other endpoints in AI_ALLOWED_ADDRESSES."
)
MALFORMED: Final = (
    "Enter a URL such as https://api.example.com/v1, without user, query and fragment."
)
#: Seconds that a request waits for the name server.
RESOLVE_SECONDS: Final = 3

_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?\.?|\[[0-9a-f:.]+\]")
_ENDS_IN_NUMBER: Final = re.compile(r"(^|\.)(\d+|0x[0-9a-f]*)\.?$")
_VISIBLE: Final = re.compile(r"[!-~]+")
#: Special networks (IANA's registries) some of whose addresses ``is_global`` accepts. The first one
#: has the metadata of a cloud.
_SPECIAL_NETWORKS: Final = (
    ipaddress.ip_network("192.0.0.0/24"),
    ipaddress.ip_network("192.88.99.0/24"),
    ipaddress.ip_network("2001::/23"),
    ipaddress.ip_network("3fff::/20"),
)
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
#: Lookups at a time of this process, and of one organization: those of names whose servers do not
#: respond last much longer than a request waits.
_MAX_LOOKUPS: Final = 32
_MAX_LOOKUPS_PER_ORGANIZATION: Final = 4
_executor: Final = ThreadPoolExecutor(_MAX_LOOKUPS, thread_name_prefix="resolve")
#: The number of lookups under way, by organization.
_lookups: Final[Counter[str]] = Counter()
_lock: Final = Lock()


class AddressRefused(ValueError):
    """The service does not connect to this URL. The message is for staff."""


@dataclass(frozen=True)
class Endpoint:
    """Where a URL leads. ``host`` is in lower case, and an IPv6 address without brackets."""

    scheme: str
    host: str
    port: int

    @property
    def is_listed(self) -> bool:
        """Return whether ``AI_ALLOWED_ADDRESSES`` contains it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" in {item.lower() for item in settings.AI_ALLOWED_ADDRESSES}


def parse_endpoint(url: str) -> Endpoint:
    """Return where the URL leads. Raise ``AddressRefused`` for plain HTTP, unless it is listed.

    A host that ends in a number is an IPv4 address (WHATWG URL, section 3.5). Only the usual
    spelling is accepted: not ``127.1`` or ``0x7f000001``.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused(MALFORMED) from None
    host = (parts.hostname or "").lower()
    written = f"[{host}]" if ":" in host else host
    if (
        not _VISIBLE.fullmatch(url)
        or "\\" in url
        or "@" in parts.netloc
        or port == 0
        or parts.scheme not in _DEFAULT_PORTS
        or not _HOST.fullmatch(written)
        or (_ENDS_IN_NUMBER.search(host) and not _is_ipv4(host))
        or parts.query
        or parts.fragment
    ):
        raise AddressRefused(MALFORMED)
    endpoint = Endpoint(parts.scheme, host, port or _DEFAULT_PORTS[parts.scheme])
    if endpoint.scheme != "https" and not endpoint.is_listed:
        raise AddressRefused(REFUSED)
    return endpoint


def _is_ipv4(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def require_allowed(endpoint: Endpoint, addresses: Iterable[str]) -> list[str]:
    """Return the addresses to connect to. Raise ``AddressRefused`` unless all of them are public.

    A listed endpoint may have any address.
    """
    parsed = [ipaddress.ip_address(address.partition("%")[0]) for address in addresses]
    if not parsed or not (endpoint.is_listed or all(map(is_public, parsed))):
        raise AddressRefused(REFUSED)
    return list(dict.fromkeys(map(str, parsed)))


def is_public(address: _Address) -> bool:
    """Return whether the address belongs to a host in the internet.

    Addresses that contain an IPv4 address (mapped, 6to4, Teredo, NAT64) are not regarded as public,
    except for a mapped one that is.
    """
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address.sixtofour or address.is_site_local:
            return False
    if any(address in network for network in _SPECIAL_NETWORKS):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host name, in the order of the system's preference."""
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in infos]


def validate_base_url(url: str, *, organization_id: str) -> None:
    """Raise ``AddressRefused`` unless the service may connect to the URL. Resolves its host.

    Also raise it if four lookups of the organization are under way.
    """
    endpoint = parse_endpoint(url)
    try:
        found = _start_lookup(endpoint, organization_id)
        require_allowed(endpoint, found.result(timeout=RESOLVE_SECONDS))
    except (OSError, UnicodeError, FutureTimeoutError):
        raise AddressRefused(REFUSED) from None


def _start_lookup(endpoint: Endpoint, organization_id: str) -> Future[list[str]]:
    with _lock:
        if _lookups[organization_id] >= _MAX_LOOKUPS_PER_ORGANIZATION:
            raise AddressRefused(REFUSED)
        _lookups[organization_id] += 1
    lookup = _executor.submit(resolve, endpoint.host, endpoint.port)
    lookup.add_done_callback(lambda _: _end_lookup(organization_id))
    return lookup


def _end_lookup(organization_id: str) -> None:
    with _lock:
        _lookups[organization_id] -= 1
        if not _lookups[organization_id]:
            del _lookups[organization_id]
