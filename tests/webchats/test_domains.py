"""Allowed domains: valid entries and their canonical form."""

import re

import pytest
from hypothesis import example, given

from tests.webchats.domain_strategies import entries, fewer_examples
from webchats.domains import (
    MAX_ENTRIES,
    MAX_ENTRY_LENGTH,
    InvalidDomain,
    canonicalize,
    canonicalize_all,
)

LABEL_63 = "a" * 63
HOST_253 = ".".join([LABEL_63, LABEL_63, LABEL_63, "b" * 61])


def get_error(entry: str) -> InvalidDomain:
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
    assert {entry: get_error(entry).code for entry in entries} == dict.fromkeys(entries, code)


@pytest.mark.parametrize(
    "entry",
    ["", "a b", "u@a.com", "a.com/x", "ftp://a.com", "a.com:0", "*", "::1", "0x7f.1", "intranet"],
)
def test_error_message_names_the_problem_and_the_solution(entry: str) -> None:
    error = get_error(entry)
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
