"""Who may embed: the entries of a list of allowed domains, and the one matcher over them.

An entry takes one of three forms:

* a host, ``example.com``: that host on any port, over http or https. With a port,
  ``localhost:3000``: that port only, over http or https;
* an origin, ``https://example.com`` or ``https://example.com:8443``: exactly that scheme, host
  and port (RFC 6454 section 4). No port means the default port of the scheme;
* a wildcard, ``*.example.com`` or ``*.example.com:8443``: every subdomain at any depth and never
  ``example.com`` itself (CSP3, "host-part matches"). It takes no scheme.

They are stored canonical, as browsers serialise an origin: lower case, IDN as punycode (UTS 46,
non-transitional), no default port in an origin, no path, no trailing dot. The API (`may_embed`)
and the browser (`frame_ancestors`) give the same answer as far as CSP3 can express it:

* IPv6 addresses are refused as entries: the CSP grammar has no brackets, browsers drop such a
  source. IPv4 addresses are accepted: CSP3 to the letter matches domains only, but browsers
  compare the address as text;
* an underscore is refused in an entry (CSP3 ``host-char``); a wildcard admits subdomains with one;
* browsers let an ``http://`` source also match the https page of that host (CSP3, "scheme-part
  matches"). CSP cannot turn that off: for an ``http://`` origin, and for a host with a port, a
  browser may frame an https page for which `may_embed` says no.
"""

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address
from typing import Final, NamedTuple

import idna

MAX_ENTRIES: Final = 100
"""How many entries a list may hold; callers enforce it. Each adds to a header of limited size."""

_MAX_HOST_LENGTH: Final = 253  # RFC 1035 section 2.3.4, less the trailing dot
_MAX_PORT: Final = 65535

MAX_ENTRY_LENGTH: Final = len("https://") + _MAX_HOST_LENGTH + len(":65535")
"""The longest entry in characters, as sent and as stored."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_MESSAGES: Final = {
    "too_long": f"The entry is too long. Shorten it to at most {MAX_ENTRY_LENGTH} characters.",
    "characters": "The entry contains white space, a control character, a backslash or a percent "
    "sign. Remove it, and send every domain as an entry of its own.",
    "user_info": "The entry contains user information. Remove the @ and everything before it.",
    "path": "The entry contains a path, a query or a fragment. Remove everything after the host "
    "and port, so that it reads like https://example.com.",
    "scheme": "The entry has another scheme than http and https. Start with https:// or http://.",
    "port": "The port is not a number from 1 to 65535. Correct it, or remove it with its colon.",
    "wildcard": "The wildcard is misplaced. Write it once, in front of a name of two or more "
    "labels and without a scheme: *.example.com. To let every site embed, leave the list empty.",
    "ipv6": "IPv6 addresses are not supported, as browsers cannot match them. "
    "Write localhost, an IPv4 address or a host name.",
    "ip_address": "The entry is not a single IPv4 address. Write one address as four decimal "
    "numbers without leading zeros, such as 192.0.2.10; ranges are not supported.",
    "host": "The host name is missing or not valid. Write labels of letters, digits and inner "
    "hyphens, joined by dots, of up to 63 characters each and 253 in all: shop.example.com.",
    "single_label": "The host name has a single label. Write the full name, such as example.com; "
    "only localhost may stand alone.",
}

# Looked for in the entry as sent, before anything is parsed: URL parsers strip, decode or
# reinterpret some of these, and would turn a hostile entry into a harmless looking one.
_REFUSED: Final = (
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
# A host whose last label is one of these is IPv4 to browsers, "0x7f.1" included (URL Standard).
_NUMERIC_LABEL: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")

_CANONICAL: Final = re.compile(r"(?:(https?)://)?(\*\.)?([a-z0-9.-]+)(?::([0-9]{1,5}))?")
_SITE: Final = r"(https?)://([a-z0-9_-]+(?:\.[a-z0-9_-]+)*)(?::([0-9]{1,5}))?"
# ASCII only: without the flag, IGNORECASE takes U+017F for an "s" and U+212A for a "k".
_ORIGIN: Final = re.compile(_SITE, re.ASCII | re.IGNORECASE)
_REFERER: Final = re.compile(_SITE + r"(?:[/?#].*)?", re.ASCII | re.IGNORECASE | re.DOTALL)


class InvalidDomain(ValueError):
    """An entry that is refused: ``code`` is the reason, one of the keys of ``_MESSAGES``, and
    ``message`` says in full sentences what is wrong and what to write instead."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.message = _MESSAGES[code]
        super().__init__(self.message)


class _Site(NamedTuple):
    scheme: str
    host: str
    port: int


def canonical(entry: str) -> str:
    """Return ``entry``, in any form of the module's docstring, as it is stored.

    The result is a fixed point and holds no character outside ``a-z 0-9 . - : / *``: it is safe
    in a header. A lone slash at the end and the trailing dot of the host are dropped. Raises
    `InvalidDomain` for everything that is not one of the three forms.
    """
    if len(entry) > MAX_ENTRY_LENGTH:
        raise InvalidDomain("too_long")
    for code, refused in _REFUSED:
        if refused.search(entry):
            raise InvalidDomain(code)
    before, separator, after = entry.rpartition("://")
    scheme = before.lower()
    if separator and scheme not in _DEFAULT_PORTS:
        raise InvalidDomain("scheme")
    authority, _, path = after.partition("/")
    if path:
        raise InvalidDomain("path")
    pattern, colon, digits = authority.partition(":")
    if scheme and "*" in pattern:
        raise InvalidDomain("wildcard")
    host = _canonical_pattern(pattern)
    port = _canonical_port(digits) if colon else None
    # A host keeps its port: it stands for both schemes, and only one has it as its default.
    if scheme and port == _DEFAULT_PORTS[scheme]:
        port = None
    return f"{scheme}{separator}{host}" + ("" if port is None else f":{port}")


def canonical_list(entries: Iterable[str]) -> tuple[list[str], dict[int, InvalidDomain]]:
    """Return the canonical form of ``entries``, and the errors by index in ``entries`` as sent.

    Duplicates are dropped, the first one keeps its place. Nothing is raised for a refused entry:
    it is missing from the list and present in the errors.
    """
    kept: dict[str, None] = {}
    errors: dict[int, InvalidDomain] = {}
    for index, entry in enumerate(entries):
        try:
            kept[canonical(entry)] = None
        except InvalidDomain as error:
            errors[index] = error
    return list(kept), errors


def may_embed(allowed: Sequence[str], *, origin: str | None, referer: str | None) -> bool:
    """Say whether the page behind a request may embed, by its ``Origin`` and ``Referer`` headers.

    ``allowed`` holds canonical entries; empty, everyone may embed. ``None`` is a header that is
    absent. ``origin`` decides alone when it is present, also when it is ``null`` (an opaque
    origin, RFC 6454 section 7.1) or unreadable: both are refused. ``referer`` (RFC 9110 section
    10.1.3) is read only without an ``Origin``; without both the answer is no. A trailing dot makes
    another host, as in browsers. Never raises, whatever the headers hold.
    """
    if not allowed:
        return True
    header = (_REFERER, referer or "") if origin is None else (_ORIGIN, origin)
    site = _read_site(*header)
    return site is not None and any(_admits(entry, site) for entry in allowed)


def frame_ancestors(allowed: Sequence[str]) -> str:
    """Return the source list for ``Content-Security-Policy: frame-ancestors`` (CSP3).

    ``allowed`` holds canonical entries. Empty, the source is ``*``: every http or https page, but
    no page with an opaque origin or the scheme of an app. A host and a wildcard are written with
    both schemes and ``:*`` (or their port), as a source without them means only the scheme of the
    framed page and its default port. An origin is written as it is.
    """
    if not allowed:
        return "*"
    sources: list[str] = []
    for entry in allowed:
        # What is not canonical admits no one in `may_embed`, and must not reach a header.
        if match := _CANONICAL.fullmatch(entry):
            scheme, _, _, port = match.groups()
            prefixes = ("",) if scheme else ("http://", "https://")
            suffix = "" if scheme or port else ":*"
            sources += (f"{prefix}{entry}{suffix}" for prefix in prefixes)
    return " ".join(sources) or "'none'"


def _canonical_pattern(pattern: str) -> str:
    wildcard = pattern.startswith("*.")
    name = pattern[2:] if wildcard else pattern
    if "*" in name:
        raise InvalidDomain("wildcard")
    name = _canonical_host(name)
    if wildcard and ("." not in name or _ends_in_number(name)):
        raise InvalidDomain("wildcard")
    if "." not in name and name != "localhost":
        raise InvalidDomain("single_label")
    return f"*.{name}" if wildcard else name


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
    # IDNA reserves hyphens in the third and fourth place, the URL Standard does not (CheckHyphens
    # is false): qa--shop.example.com exists. Hence label by label, and not `idna.encode`.
    if label.isascii() and not label.startswith("xn--"):
        return label
    return idna.alabel(label).decode("ascii")


def _ends_in_number(name: str) -> bool:
    return _NUMERIC_LABEL.fullmatch(name.rpartition(".")[2]) is not None


def _canonical_port(digits: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", digits) or not 1 <= int(digits) <= _MAX_PORT:
        raise InvalidDomain("port")
    return int(digits)


def _read_site(pattern: re.Pattern[str], header: str) -> _Site | None:
    match = pattern.fullmatch(header)
    if match is None:
        return None
    scheme, host, digits = match.groups()
    port = int(digits or _DEFAULT_PORTS[scheme.lower()])
    return _Site(scheme.lower(), host.lower(), port) if port <= _MAX_PORT else None


def _admits(entry: str, site: _Site) -> bool:
    match = _CANONICAL.fullmatch(entry)
    if match is None:
        return False
    scheme, wildcard, host, digits = match.groups()
    port = int(digits) if digits else _DEFAULT_PORTS.get(scheme)
    if scheme not in (None, site.scheme) or port not in (None, site.port):
        return False
    return site.host.endswith(f".{host}") if wildcard else site.host == host
