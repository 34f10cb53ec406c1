"""Allowed domains: which pages may embed a widget, in the API and in browsers."""

import re
from itertools import product
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webchats.domain_strategies import (
    HOSTS,
    PORTS,
    canonical_entries,
    entries,
    fewer_examples,
    valid_names,
)
from webchats.domains import canonicalize, frame_ancestors, may_embed

LOOKALIKES = ["evil-example.com", "example.com.evil.com", "example.co", "a_b.example.com"]


def permits(entry: str, origin: str) -> bool:
    return may_embed([canonicalize(entry)], origin=origin, referer=None)


# --- Matching of Origin and Referer ---


@pytest.mark.parametrize("origin", [None, "null", "", "https://anyone.example", "garbage"])
def test_empty_list_permits_every_origin(origin: str | None) -> None:
    assert may_embed([], origin=origin, referer=None)


@pytest.mark.parametrize(
    "origin",
    [
        "https://example.com",
        "http://example.com",
        "https://example.com:443",
        "https://example.com:8443",
        "http://example.com:3000",
        "HTTPS://EXAMPLE.COM",
    ],
)
def test_a_host_is_permitted_on_any_port_over_http_and_https(origin: str) -> None:
    assert permits("example.com", origin)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil-example.com",
        "https://evilexample.com",
        "https://example.com.evil.com",
        "https://example.comevil.com",
        "https://www.example.com",
        "https://example.co",
        "https://xample.com",
        "https://example-com",
        "https://com",
        "https://example.com.",
        "https://example.com@evil.com",
        "https://evil.com#example.com",
        "https://evil.com/example.com",
        "https://evil.com\\.example.com",
        "ftp://example.com",
        "chrome-extension://example.com",
        "file://example.com",
    ],
)
def test_host_does_not_permit_lookalikes(origin: str) -> None:
    assert not permits("example.com", origin)


@pytest.mark.parametrize(
    ("origin", "permitted"),
    [
        ("https://a.example.com", True),
        ("http://a.b.example.com:8080", True),
        ("https://my_shop.example.com", True),
        ("https://example.com", False),
        ("https://evil-example.com", False),
        ("https://.example.com", False),
        ("https://a..example.com", False),
        ("https://*.example.com", False),
        ("https://a.example.com.", False),
        ("https://a.example.com.evil.com", False),
    ],
)
def test_wildcard_permits_subdomains_at_any_depth_but_not_its_apex(
    origin: str, permitted: bool
) -> None:
    assert permits("*.example.com", origin) is permitted


@pytest.mark.parametrize(
    ("entry", "origin", "permitted"),
    [
        ("https://example.com", "https://example.com", True),
        ("https://example.com", "https://example.com:443", True),
        ("https://example.com", "http://example.com", False),
        ("https://example.com", "http://example.com:443", False),
        ("https://example.com", "https://example.com:8443", False),
        ("https://example.com", "https://www.example.com", False),
        ("http://example.com", "http://example.com:80", True),
        ("http://example.com", "https://example.com", False),
        ("https://example.com:8443", "https://example.com:8443", True),
        ("https://example.com:8443", "https://example.com", False),
        ("https://example.com:8443", "http://example.com:8443", False),
    ],
)
def test_origin_permits_the_same_scheme_host_and_port_only(
    entry: str, origin: str, permitted: bool
) -> None:
    assert permits(entry, origin) is permitted


@pytest.mark.parametrize(
    ("entry", "origin", "permitted"),
    [
        ("localhost:3000", "http://localhost:3000", True),
        ("localhost:3000", "https://localhost:3000", True),
        ("localhost:3000", "http://localhost:3001", False),
        ("localhost:3000", "http://localhost", False),
        ("localhost", "http://localhost:5173", True),
        ("localhost", "http://app.localhost", False),
        ("example.com:443", "https://example.com", True),
        ("example.com:443", "http://example.com:443", True),
        ("example.com:443", "http://example.com", False),
        ("example.com:80", "http://example.com", True),
        ("example.com:80", "https://example.com", False),
        ("*.example.com:8443", "https://a.example.com:8443", True),
        ("*.example.com:8443", "https://a.example.com", False),
        ("127.0.0.1", "http://127.0.0.1:8000", True),
        ("127.0.0.1", "http://2130706433", False),
        ("127.0.0.1", "http://[::1]", False),
    ],
)
def test_a_host_with_a_port_is_permitted_on_that_port_only(
    entry: str, origin: str, permitted: bool
) -> None:
    assert permits(entry, origin) is permitted


def test_international_entry_permits_the_punycode_origin() -> None:
    assert permits("faß.de", "https://xn--fa-hia.de")
    assert not permits("faß.de", "https://fass.de")


def test_one_matching_entry_is_enough() -> None:
    allowed = ["a.example", "https://b.example", "*.c.example"]
    assert may_embed(allowed, origin="https://x.c.example", referer=None)
    assert not may_embed(allowed, origin="https://c.example", referer=None)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "NULL",
        "*",
        "example.com",
        "//example.com",
        "https://",
        "https://example.com/",
        "https://example.com/path",
        "https://example.com https://example.com",
        "https://example.com,https://example.com",
        "https://example.com\n",
        " https://example.com",
        "ht\ttps://example.com",
        "https://exa\tmple.com",
        "https://example.com\x00",
        "https://example.com:",
        "https://example.com:99999",
        "https://example.com:443443443443",
        "https://example.com:٤٤٣",
        "https://exam\u200bple.com",
        "https://\uff45xample.com",
        "http\u017f://example.com",
        "https://[example.com",
        "https://exa\ud800mple.com",
        "https://exa%6dple.com",
    ],
)
def test_malformed_origin_is_not_permitted_despite_the_referer(origin: str) -> None:
    assert not may_embed(["example.com"], origin=origin, referer="https://example.com/")


def test_non_ascii_letters_do_not_match_their_ascii_case_folding() -> None:
    assert not permits("kelvin.example", "https://\u212aelvin.example")
    assert not permits("shop.example", "https://\u017fhop.example")


def test_origin_takes_precedence_over_referer() -> None:
    evil, good = "https://evil.example", "https://example.com"
    assert not may_embed(["example.com"], origin=evil, referer=f"{good}/page")
    assert may_embed(["example.com"], origin=good, referer=f"{evil}/page")


@pytest.mark.parametrize(
    ("referer", "permitted"),
    [
        ("https://example.com", True),
        ("https://example.com/", True),
        ("https://example.com:8443/a/b?c=d#e", True),
        ("https://example.com/\u20ac\x00\n", True),
        ("https://example.com?x", True),
        ("https://evil.example/https://example.com/", False),
        ("https://evil.example/?https://example.com", False),
        ("https://example.com.evil.example/", False),
        ("https://example.com@evil.example/", False),
        ("https://evil.example\\@example.com/", False),
        ("https://example.com\\@evil.example/", False),
        ("https://example.com:x/", False),
        ("about:blank", False),
        ("/page", False),
        ("", False),
        (None, False),
    ],
)
def test_referer_is_used_without_origin(referer: str | None, permitted: bool) -> None:
    assert may_embed(["example.com"], origin=None, referer=referer) is permitted


@pytest.mark.parametrize("junk", ["", "*", "*.", "https://", "exa mple.com", "a.com; x", "null"])
def test_non_canonical_entry_permits_no_origin(junk: str) -> None:
    assert not may_embed([junk], origin="https://example.com", referer=None)
    assert not may_embed([junk], origin="null", referer="https://example.com")


# --- frame-ancestors ---


@pytest.mark.parametrize(
    ("allowed", "sources"),
    [
        ([], "*"),
        (["example.com"], "http://example.com:* https://example.com:*"),
        (["*.example.com"], "http://*.example.com:* https://*.example.com:*"),
        (["localhost:3000"], "http://localhost:3000 https://localhost:3000"),
        (["example.com:443"], "http://example.com:443 https://example.com:443"),
        (["*.a.example:81"], "http://*.a.example:81 https://*.a.example:81"),
        (["https://example.com"], "https://example.com"),
        (["https://example.com:8443"], "https://example.com:8443"),
        (["http://10.0.0.1:8080"], "http://10.0.0.1:8080"),
        (["https://b.example", "https://a.example"], "https://b.example https://a.example"),
    ],
)
def test_frame_ancestors_of_a_list(allowed: list[str], sources: str) -> None:
    assert frame_ancestors(allowed) == sources


def test_non_canonical_entries_are_left_out_of_the_header() -> None:
    injected = ["a.example; script-src *", "a.example\r\nX: y", "'self'", "a.example https://b"]
    assert frame_ancestors([*injected, "https://a.example"]) == "https://a.example"


def test_frame_ancestors_without_canonical_entries_is_none() -> None:
    assert frame_ancestors(["*"]) == "'none'"


def test_only_browsers_match_an_http_origin_with_https() -> None:
    assert browser_permits(frame_ancestors(["http://example.com"]), "https://example.com")
    assert not permits("http://example.com", "https://example.com")


# --- Property-based tests ---


@fewer_examples
@given(st.lists(canonical_entries, max_size=4), entries | st.none(), entries | st.none())
def test_may_embed_never_raises(
    allowed: list[str], origin: str | None, referer: str | None
) -> None:
    assert may_embed(allowed, origin=origin, referer=referer) in (True, False)
    assert may_embed(allowed, origin=None, referer=f"https://{referer}") in (True, False)


@fewer_examples
@given(valid_names, st.sampled_from(["http", "https"]), st.none() | st.integers(1, 65535))
def test_host_permits_its_own_pages_on_any_port(name: str, scheme: str, port: int | None) -> None:
    host = canonicalize(name)
    origin = f"{scheme}://{host}" + ("" if port is None else f":{port}")
    assert may_embed([host], origin=origin, referer=None)
    assert may_embed([host], origin=None, referer=f"{origin}/page")
    assert browser_permits(frame_ancestors([host]), origin)
    assert may_embed([canonicalize(origin)], origin=origin, referer=None)
    assert browser_permits(frame_ancestors([canonicalize(origin)]), origin)


@fewer_examples
@given(valid_names, st.sampled_from(["http", "https"]))
def test_wildcard_permits_every_subdomain_but_never_its_apex(name: str, scheme: str) -> None:
    wildcard = canonicalize(f"*.{name}")
    apex = wildcard.removeprefix("*.")
    assert not may_embed([wildcard], origin=f"{scheme}://{apex}", referer=None)
    assert may_embed([wildcard], origin=f"{scheme}://a.{apex}", referer=None)
    assert may_embed([wildcard], origin=f"{scheme}://a.b.{apex}", referer=None)


def browser_permits(source_list: str, origin: str, *, secure_upgrade: bool = True) -> bool:
    """Return whether an origin matches a source list (CSP3, "match URL to source list").

    Without ``secure_upgrade``, an http source does not match https. IP addresses are compared as
    text, as in browsers.
    """
    url = urlsplit(origin)
    default = {"http": 80, "https": 443}[url.scheme]
    for source in source_list.split(" "):
        parts = re.fullmatch(
            r"(?P<scheme>[a-z]+)://(?P<host>(\*\.)?[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)*)"
            r"(:(?P<port>[0-9]+|\*))?",
            source,
        )
        assert parts, f"browsers ignore the source {source!r}"
        schemes = {parts["scheme"]}
        if secure_upgrade and schemes == {"http"}:
            schemes.add("https")
        host, pattern = url.hostname or "", parts["host"]
        hosts_match = host.endswith(pattern[1:]) if pattern[0] == "*" else host == pattern
        page_port = default if url.port is None else url.port
        source_port = default if parts["port"] is None else parts["port"]
        ports_match = source_port == "*" or int(source_port) == page_port
        if url.scheme in schemes and hosts_match and ports_match:
            return True
    return False


@fewer_examples
@given(st.lists(canonical_entries, min_size=1, max_size=3))
def test_api_and_browsers_agree(allowed: list[str]) -> None:
    sources = frame_ancestors(allowed)
    for scheme, host, port in product(["http", "https"], HOSTS + LOOKALIKES, PORTS):
        origin = f"{scheme}://{host}{port}"
        permitted = may_embed(allowed, origin=origin, referer=None)
        assert permitted == browser_permits(sources, origin, secure_upgrade=False), origin
        if browser_permits(sources, origin) != permitted:
            assert scheme == "https", "only CSP3's match of an http source with https may differ"
