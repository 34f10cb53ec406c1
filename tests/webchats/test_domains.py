"""Allowed domains: canonical form, matching of requests, and ``frame-ancestors``."""

import re
from itertools import product
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from webchats.domains import (
    MAX_ENTRIES,
    MAX_ENTRY_LENGTH,
    InvalidDomain,
    canonicalize,
    canonicalize_all,
    frame_ancestors,
    may_embed,
)

LABEL_63 = "a" * 63
HOST_253 = ".".join([LABEL_63, LABEL_63, LABEL_63, "b" * 61])

fewer_examples = settings(max_examples=150, deadline=None, database=None)


def permits(entry: str, origin: str) -> bool:
    return may_embed([canonicalize(entry)], origin=origin, referer=None)


def error_of(entry: str) -> InvalidDomain:
    with pytest.raises(InvalidDomain) as error:
        canonicalize(entry)
    return error.value


# --- Valid entries ---


@pytest.mark.parametrize(
    ("entry", "canonical"),
    [
        ("example.com", "example.com"),
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("example.com/", "example.com"),
        ("example.com./", "example.com"),
        ("example.com:8443", "example.com:8443"),
        ("example.com:443", "example.com:443"),
        ("example.com:08443", "example.com:8443"),
        ("https://example.com", "https://example.com"),
        ("HTTPS://Example.Com/", "https://example.com"),
        ("https://example.com:443", "https://example.com"),
        ("https://example.com:00443/", "https://example.com"),
        ("https://example.com.:443/", "https://example.com"),
        ("http://example.com:80", "http://example.com"),
        ("http://example.com:443", "http://example.com:443"),
        ("https://example.com:80", "https://example.com:80"),
        ("https://example.com:8443", "https://example.com:8443"),
        ("https://example.com:1", "https://example.com:1"),
        ("https://example.com:65535", "https://example.com:65535"),
        ("*.example.com", "*.example.com"),
        ("*.Example.com./", "*.example.com"),
        ("*.example.com:8443", "*.example.com:8443"),
        ("*.co.uk", "*.co.uk"),
        ("localhost", "localhost"),
        ("LOCALHOST", "localhost"),
        ("localhost:3000", "localhost:3000"),
        ("http://localhost", "http://localhost"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("app.localhost", "app.localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1:3000", "127.0.0.1:3000"),
        ("http://192.168.1.20:8080", "http://192.168.1.20:8080"),
        ("10.0.0.1.", "10.0.0.1"),
        ("1.2.3.4.com", "1.2.3.4.com"),
        ("0x7f.com", "0x7f.com"),
        ("3com.com", "3com.com"),
        ("qa--shop.example.com", "qa--shop.example.com"),
        ("qa--shop.bücher.example", "qa--shop.xn--bcher-kva.example"),
        (HOST_253, HOST_253),
        (f"https://{HOST_253}:65535", f"https://{HOST_253}:65535"),
    ],
)
def test_entry_is_canonicalized(entry: str, canonical: str) -> None:
    assert canonicalize(entry) == canonical


@pytest.mark.parametrize(
    ("entry", "canonical"),
    [
        ("faß.de", "xn--fa-hia.de"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("https://Bücher.example:8443", "https://xn--bcher-kva.example:8443"),
        ("*.bücher.example", "*.xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("example\uff0ecom\uff61", "example.com"),
        ("\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45.com", "example.com"),
        ("exa\u00admple.com", "example.com"),
        ("\u212aelvin.example", "kelvin.example"),
        ("\uff11\uff10.0.0.\uff11", "10.0.0.1"),
        ("LOCALHO\u017fT", "localhost"),
    ],
)
def test_international_name_becomes_punycode(entry: str, canonical: str) -> None:
    assert canonicalize(entry) == canonical


# --- Invalid entries ---


@pytest.mark.parametrize(
    ("code", "entries"),
    [
        ("host", ["", ".", "..", "/", "https://", "http:///", "*.", "https://:80", ":80"]),
        ("host", ["example.com..", "example..com", ".example.com", "*..example.com"]),
        ("host", ["-a.example.com", "a-.example.com", "*.-a.com", "my_shop.example.com"]),
        ("host", [f"{LABEL_63}a.com", "ü" * 60 + ".com", "xn--a.com", "xn--.com", "i❤.ws"]),
        ("host", ["example.com;script-src", "a,b.com", "'self'.com", '"a".com', "a'b.com"]),
        ("host", ["example\uff0fcom.de", "a\uff20b.com", "\uff0a.example.com", "a\u2100b.com"]),
        ("host", ["\u200b", "\u3002", "a!b.com", "(a).com", "a=b.com", "<a>.com", "{a}.com"]),
        ("host", [f"b{HOST_253}", f"b.{HOST_253}", "ü." * 70 + "com", f"https://b{HOST_253}:443"]),
        ("too_long", [f"https://{HOST_253}:65535/", "a." * 140 + "com", "x" * 1_000_000]),
        ("characters", [" ", "\t", "exa mple.com", " example.com", "example.com\n", "a\r\nb.com"]),
        ("characters", ["exa\tmple.com", "ht\ntps://example.com", "example.com\x00", "\x7fa.com"]),
        ("characters", ["exam\ud800ple.com", "a\u00a0b.com", "a\u3000b.com", "a\u2028b.com"]),
        ("characters", ["https://example.com\\@evil.com", "\\\\example.com", "exa%6dple.com"]),
        ("characters", ["example.com%00.evil.com", "%65xample.com", "fe80::1%eth0"]),
        ("user_info", ["https://user@example.com", "https://example.com@evil.com", "a@b.com"]),
        ("user_info", ["https://a:b@example.com", "https://@example.com", "mailto:a@example.com"]),
        ("path", ["https://example.com/path", "example.com/path", "https://example.com//"]),
        (
            "path",
            ["https://example.com#x", "https://example.com?x", "example.com?", "example.com#"],
        ),
        ("path", ["https://example.com/?x", "https://example.com/#", "//example.com", "*.com/x"]),
        ("scheme", ["ftp://example.com", "ws://example.com", "file:///etc", "://example.com"]),
        ("scheme", ["javascript:alert(1)", "data:text/html,x", "https:example.com", "http:/a.com"]),
        ("scheme", ["https://https://a.com", "a.com://b.com", "http\u017f://example.com"]),
        ("port", ["https://example.com:", "example.com:", "https://example.com:0", "a.com:65536"]),
        ("port", ["a.com:99999999999999999999", "a.com:-1", "a.com:+80", "a.com:8_0", "a.com:*"]),
        (
            "port",
            [
                "a.com:٨٠",
                "a.com:\uff18\uff10",
                "a.com:²",
                "a.com:80:80",
                "localhost:abc",
                "a.com:0x50",
            ],
        ),
        ("wildcard", ["*", "*.*", "**.x.com", "*foo.com", "a.*.com", "*.a.*.com", "example.*"]),
        ("wildcard", ["*.com", "*.localhost", "*.com.", "https://*.example.com", "https://*"]),
        ("wildcard", ["*.10.0.0.1", "*:443", "10.0.0.*", "*example.com", "example.com*"]),
        ("ipv6", ["[::1]", "https://[::1]", "http://[::1]:3000", "::1", "2001:db8::/32", "::"]),
        ("ipv6", ["https://[v1.a]", "https://[example.com]", "FE80::1", "::ffff:10.0.0.1"]),
        ("ip_address", ["10.0.0.0/8", "https://10.0.0.0/8", "10.0.0.1-10.0.0.9", "10.0.0.256"]),
        ("ip_address", ["0x7f.1", "127.1", "2130706433", "010.0.0.1", "0x7f000001", "127.0.0.01"]),
        ("ip_address", ["1.2.3.4.5", "example.0x", "example.1", "https://0X7F.1", "*.0.1", "0"]),
        ("ip_address", ["\uff11\uff12\uff17.1", "127。1"]),
        ("single_label", ["null", "com", "intranet", "https://intranet", "intranet:80", "com."]),
        ("single_label", ["localhost1", "bücher"]),
    ],
)
def test_invalid_entry_is_rejected(code: str, entries: list[str]) -> None:
    assert {entry: error_of(entry).code for entry in entries} == dict.fromkeys(entries, code)


@pytest.mark.parametrize(
    "entry",
    ["", "a b", "u@a.com", "a.com/x", "ftp://a.com", "a.com:0", "*", "::1", "0x7f.1", "intranet"],
)
def test_error_message_names_the_problem_and_the_solution(entry: str) -> None:
    error = error_of(entry)
    assert isinstance(error, ValueError)
    assert str(error) == error.message
    assert re.fullmatch(r"[A-Z].*\. .*[A-Z].*\.", error.message)


# --- Lists ---


def test_duplicates_are_removed_and_order_is_kept() -> None:
    entries = [
        "b.example",
        "https://a.example:443",
        "B.example.",
        "https://a.example/",
        "a.example",
    ]
    assert canonicalize_all(entries) == (["b.example", "https://a.example", "a.example"], {})


def test_errors_have_the_index_of_the_entry_as_sent() -> None:
    kept, errors = canonicalize_all(iter(["a.example", "a.example", "*", "b.example", "com"]))
    assert kept == ["a.example", "b.example"]
    assert {index: error.code for index, error in errors.items()} == {
        2: "wildcard",
        4: "single_label",
    }


def test_empty_list_is_valid() -> None:
    assert canonicalize_all([]) == ([], {})


def test_limits_are_the_documented_ones() -> None:
    assert (MAX_ENTRIES, MAX_ENTRY_LENGTH) == (100, 267)


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

HOSTS = ["example.com", "a.example.com", "a.b.example.com", "localhost", "127.0.0.1"]
LOOKALIKES = ["evil-example.com", "example.com.evil.com", "example.co", "a_b.example.com"]
PORTS = ["", ":80", ":443", ":3000", ":8443"]

dots = st.sampled_from([".", "\u3002", "\uff0e", "\uff61"])
letters = st.sampled_from(
    "abcxnzABZ019--ßéÅüﬁ中क_\u00ad\u0308\u200c\u200d\u0661\u05d0①\uff45\u017fK*"
)
labels = st.one_of(
    st.text(letters, min_size=1, max_size=8),
    st.text("abcdefghijklmnopqrstuvwxyz0123456789", max_size=12).map("xn--{}".format),
    st.text("0123456789x", min_size=1, max_size=4),
    st.sampled_from(["com", "example", "localhost", "faß", "XN--FA-HIA"]),
)
names = st.builds(
    lambda parts, dot: dot.join(parts), st.lists(labels, min_size=1, max_size=5), dots
)
valid_labels = st.one_of(
    st.text("abkABKéÅüßø中例\uff45①ﬁ\u017fK", min_size=1, max_size=8),
    st.sampled_from(["qa--shop", "0x7f", "127", "XN--FA-HIA", "a-b", "exa\u00admple"]),
)
valid_names = st.builds(
    lambda parts, dot: dot.join([*parts, "example"]),
    st.lists(valid_labels, min_size=1, max_size=5),
    dots,
)
entry_like = st.one_of(
    names,
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["", "https://", "HTTP://", "*.", "https://*.", "//", "a:b@"]),
        names,
        st.sampled_from(["", ".", "\u3002"]),
        st.sampled_from(["", "/", ":443", ":0080", ":65535/", ":0", ":", "/8", "?", "\\"]),
    ),
)
anything = st.text(st.characters(exclude_categories=()), max_size=40)
entries = st.one_of(anything, entry_like, valid_names)
canonical_entries = st.one_of(
    st.builds("{}{}".format, st.sampled_from(HOSTS), st.sampled_from(PORTS)),
    st.builds("*.example.com{}".format, st.sampled_from(PORTS)),
    st.builds(
        "{}://{}{}".format,
        st.sampled_from(["http", "https"]),
        st.sampled_from(HOSTS),
        st.sampled_from(PORTS),
    ),
).map(canonicalize)


@fewer_examples
@given(entries)
@example("a\u0308\u00df.example:0443")
@example("xn--0.example")
def test_any_text_is_rejected_or_has_a_safe_idempotent_form(entry: str) -> None:
    kept, errors = canonicalize_all([entry])
    assert len(kept) + len(errors) == 1
    for stored in kept:
        assert canonicalize(stored) == stored
        assert re.fullmatch(r"[a-z0-9.:/*-]+", stored)
        assert len(stored) <= MAX_ENTRY_LENGTH


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
