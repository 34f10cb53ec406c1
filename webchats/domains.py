"""Allowed domains: which sites may embed a widget.

An entry of the list has one of three forms:

* a host, ``example.com``: that host on any port, over http or https. With a port,
  ``localhost:3000``: that port only, over http or https;
* an origin, ``https://example.com`` or ``https://example.com:8443``: exactly that scheme, host
  and port (RFC 6454, section 4). No port means the default port of the scheme;
* a wildcard, ``*.example.com`` or ``*.example.com:8443``: every subdomain at any depth, but not
  ``example.com`` itself (CSP3, "host-part matches"). It has no scheme.

Entries are stored in canonical form, as browsers serialize an origin: lower case, IDN as punycode
(UTS 46, non-transitional), no default port in an origin, no path, no trailing dot. The API
(``may_embed``) and the browser (``frame_ancestors``) agree as far as CSP3 can express the rules:

* IPv6 addresses are rejected: the grammar of CSP has no brackets, and browsers ignore such a
  source. IPv4 addresses are accepted: CSP3 only matches domain names, but browsers compare the
  address as text;
* an underscore is rejected (CSP3, ``host-char``), but wildcards match subdomains with one;
* for an ``http://`` source, browsers also accept the https page of that host (CSP3, "scheme-part
  matches"), and CSP cannot disable that. For an ``http://`` origin, and for a host with a port, a
  browser may therefore frame an https page that ``may_embed`` rejects.
"""

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address
from typing import Final, NamedTuple

import idna

#: The maximum length of a list, enforced by callers. All entries go into one HTTP header.
MAX_ENTRIES: Final = 100

_MAX_HOST_LENGTH: Final = 253  # RFC 1035, section 2.3.4, without the trailing dot
_MAX_PORT: Final = 65535

#: The maximum length of an entry in characters, as sent and as stored.
MAX_ENTRY_LENGTH: Final = len("https://") + _MAX_HOST_LENGTH + len(":65535")

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_MESSAGES: Final = {
    "too_long": f"The entry is too long. Shorten it to at most {MAX_ENTRY_LENGTH} characters.",
    "characters": "The entry contains white space, a control character, a backslash or a percent "
    "sign. Remove it, and write each domain as a separate entry.",
    "user_info": "The entry contains user information. Remove the @ and everything before it.",
    "path": "The entry contains a path, a query or a fragment. Remove everything after the host "
    "and port, so that it reads like https://example.com.",
    "scheme": "The scheme is neither http nor https. Start with https:// or http://.",
    "port": "The port is not a number from 1 to 65535. Correct it, or remove it with its colon.",
    "wildcard": "The wildcard is misplaced. Write it once, in front of a name of two or more "
    "labels and without a scheme: *.example.com. To let every site embed, leave the list empty.",
    "ipv6": "IPv6 addresses are not supported, because browsers cannot match them. "
    "Write localhost, an IPv4 address or a host name.",
    "ip_address": "The entry is not a single IPv4 address. Write one address as four decimal "
    "numbers without leading zeros, such as 192.0.2.10. Ranges are not supported.",
    "host": "The host name is missing or not valid. Write labels of letters, digits and inner "
    "hyphens, joined by dots, of up to 63 characters each and 253 in all: shop.example.com.",
    "single_label": "The host name has a single label. Write the full name, such as example.com. "
    "Only localhost is accepted without a domain.",
}

# Searched in the entry as sent, before parsing: URL parsers strip, decode or reinterpret some of
# these characters, which would make a malicious entry look valid.
_FORBIDDEN: Final = (
    ("characters", re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff\\%]")),
    ("user_info", re.compile("@")),
    ("path", re.compile(r"[?#]")),
    ("ip_address", re.compile(r"\A(?:https?://)?[0-9.]+/[0-9]+\Z", re.IGNORECASE)),
    ("ipv6", re.compile(r"[\[\]]|\A[0-9a-f]*:[0-9a-f.]*:[0-9a-f:./]*\Z", re.IGNORECASE)),
    # "javascript:alert(1)" and "https:example.com", as opposed to a host with a port.
    ("scheme", re.compile(r"\A(?!https?://|localhost:)[^:/.]*:(?![0-9])", re.IGNORECASE)),
)
_LABEL: Final = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_HOST_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
# Browsers parse a host with such a last label as IPv4, "0x7f.1" included (URL Standard).
_NUMERIC_LABEL: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")

_CANONICAL: Final = re.compile(r"(?:(https?)://)?(\*\.)?([a-z0-9.-]+)(?::([0-9]{1,5}))?")
_URL: Final = r"(https?)://([a-z0-9_-]+(?:\.[a-z0-9_-]+)*)(?::([0-9]{1,5}))?"
# ASCII only: without the flag, IGNORECASE matches U+017F as "s" and U+212A as "k".
_ORIGIN_HEADER: Final = re.compile(_URL, re.ASCII | re.IGNORECASE)
_REFERER_HEADER: Final = re.compile(_URL + r"(?:[/?#].*)?", re.ASCII | re.IGNORECASE | re.DOTALL)


class InvalidDomain(ValueError):
    """A rejected entry. ``message`` names the problem and the solution in full sentences."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.message = _MESSAGES[code]
        super().__init__(self.message)


class _Origin(NamedTuple):
    scheme: str
    host: str
    port: int


def canonicalize(entry: str) -> str:
    """Return the canonical form of an entry.

    It only contains the characters ``a-z 0-9 . - : / *``, so it is safe in a header. Canonicalizing
    it again returns it unchanged. A single slash at the end and the trailing dot of the host are
    removed. Raise ``InvalidDomain`` if the entry has none of the three forms.
    """
    if len(entry) > MAX_ENTRY_LENGTH:
        raise InvalidDomain("too_long")
    for code, pattern in _FORBIDDEN:
        if pattern.search(entry):
            raise InvalidDomain(code)
    before, separator, after = entry.rpartition("://")
    scheme = before.lower()
    if separator and scheme not in _DEFAULT_PORTS:
        raise InvalidDomain("scheme")
    authority, _, path = after.partition("/")
    if path:
        raise InvalidDomain("path")
    host, colon, digits = authority.partition(":")
    if scheme and "*" in host:
        raise InvalidDomain("wildcard")
    host = _canonical_host_or_wildcard(host)
    port = _port(digits) if colon else None
    # A host keeps a default port, because it is the default of only one of its two schemes.
    if scheme and port == _DEFAULT_PORTS[scheme]:
        port = None
    return f"{scheme}{separator}{host}" + ("" if port is None else f":{port}")


def canonicalize_all(entries: Iterable[str]) -> tuple[list[str], dict[int, InvalidDomain]]:
    """Return the canonical form of the valid entries, and the errors of the others by index.

    Indexes refer to ``entries`` as sent. Of duplicates, the first one is kept.
    """
    valid: dict[str, None] = {}
    errors: dict[int, InvalidDomain] = {}
    for index, entry in enumerate(entries):
        try:
            valid[canonicalize(entry)] = None
        except InvalidDomain as error:
            errors[index] = error
    return list(valid), errors


def may_embed(allowed: Sequence[str], *, origin: str | None, referer: str | None) -> bool:
    """Return whether the page that sent a request may embed the widget.

    ``allowed`` contains canonical entries. If it is empty, every page may. ``origin`` and
    ``referer`` are the request's headers, ``None`` if absent. ``origin`` takes precedence, and is
    rejected if it is ``null`` (an opaque origin, RFC 6454, section 7.1) or malformed. ``referer``
    (RFC 9110, section 10.1.3) is only used without it. A page that sends neither is rejected. As in
    browsers, a trailing dot makes a different host. Never raises.
    """
    if not allowed:
        return True
    header = (_REFERER_HEADER, referer or "") if origin is None else (_ORIGIN_HEADER, origin)
    page = _parse(*header)
    return page is not None and any(_matches_host_or_wildcard(entry, page) for entry in allowed)


def frame_ancestors(allowed: Sequence[str]) -> str:
    """Return the source list of ``Content-Security-Policy: frame-ancestors`` (CSP3).

    ``allowed`` contains canonical entries. If it is empty, the source is ``*``: every http and
    https page, but no page with an opaque origin or the scheme of an app. Hosts and wildcards get
    both schemes and ``:*`` or their port, because a source without them only matches the framed
    page's scheme and its default port. Origins are used unchanged.
    """
    if not allowed:
        return "*"
    sources: list[str] = []
    for entry in allowed:
        # Other text never matches in ``may_embed`` and must not get into a header.
        if match := _CANONICAL.fullmatch(entry):
            scheme, _, _, port = match.groups()
            prefixes = ("",) if scheme else ("http://", "https://")
            suffix = "" if scheme or port else ":*"
            sources += (f"{prefix}{entry}{suffix}" for prefix in prefixes)
    return " ".join(sources) or "'none'"


def _canonical_host_or_wildcard(host: str) -> str:
    is_wildcard = host.startswith("*.")
    name = host.removeprefix("*.")
    if "*" in name:
        raise InvalidDomain("wildcard")
    name = _canonical_host(name)
    if is_wildcard and ("." not in name or _ends_in_number(name)):
        raise InvalidDomain("wildcard")
    if "." not in name and name != "localhost":
        raise InvalidDomain("single_label")
    return f"*.{name}" if is_wildcard else name


def _canonical_host(host: str) -> str:
    try:
        labels = idna.uts46_remap(host, std3_rules=False).split(".")
        name = ".".join(map(_canonical_label, labels)).removesuffix(".")
    except UnicodeError:
        raise InvalidDomain("host") from None
    if _ends_in_number(name):
        try:
            return str(IPv4Address(name))
        except ValueError:
            raise InvalidDomain("ip_address") from None
    if len(name) > _MAX_HOST_LENGTH or not _HOST_NAME.fullmatch(name):
        raise InvalidDomain("host")
    return name


def _canonical_label(label: str) -> str:
    # Not ``idna.encode``: IDNA reserves hyphens in the third and fourth place. The URL Standard
    # does not (CheckHyphens is false), and names like qa--shop.example.com exist.
    if label.isascii() and not label.startswith("xn--"):
        return label
    return idna.alabel(label).decode("ascii")


def _ends_in_number(name: str) -> bool:
    return _NUMERIC_LABEL.fullmatch(name.rpartition(".")[2]) is not None


def _port(digits: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", digits) or not 1 <= int(digits) <= _MAX_PORT:
        raise InvalidDomain("port")
    return int(digits)


def _parse(pattern: re.Pattern[str], header: str) -> _Origin | None:
    match = pattern.fullmatch(header)
    if match is None:
        return None
    scheme, host, digits = match.groups()
    port = int(digits or _DEFAULT_PORTS[scheme.lower()])
    return _Origin(scheme.lower(), host.lower(), port) if port <= _MAX_PORT else None


def _matches_host_or_wildcard(entry: str, page: _Origin) -> bool:
    match = _CANONICAL.fullmatch(entry)
    if match is None:
        return False
    scheme, wildcard, host, digits = match.groups()
    port = int(digits) if digits else _DEFAULT_PORTS.get(scheme)
    if scheme not in (None, page.scheme) or port not in (None, page.port):
        return False
    return page.host.endswith(f".{host}") if wildcard else page.host == host
