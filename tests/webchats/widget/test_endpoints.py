"""Behavior of all public endpoints of the widget, and the loader."""

import gzip

import pytest
from django.http import HttpResponse
from django.test import Client

from tests.support import factories
from tests.webchats.widget.visitor import PATHS, SITE, get, get_config, get_frame
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

#: Headers of pages that may not embed the webchat of ``SITE``.
DISALLOWED: list[dict[str, str]] = [
    {},
    {"Origin": "null"},
    {"Origin": "https://evil.test"},
    {"Origin": "https://evil-shop.example.com"},
    {"Origin": "https://shop.example.com.evil.test"},
    {"Origin": "https://shop.example.com, https://evil.test"},
    {"Origin": "null", "Referer": SITE},
    {"Origin": "https://evil.test", "Referer": SITE},
    {"Origin": ""},
    {"Referer": "https://evil.test/?https://shop.example.com"},
]


def comparable(response: HttpResponse) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Return status, content and headers without the request id, which differs each time."""
    headers = {name: value for name, value in response.headers.items() if name != "X-Request-ID"}
    return response.status_code, response.content, sorted(headers.items())


@pytest.mark.parametrize("headers", DISALLOWED)
def test_disallowed_disabled_and_unknown_webchats_get_the_same_404(
    webchat: Webchat, headers: dict[str, str]
) -> None:
    disallowed = get_config(webchat, **headers)
    disabled = factories.WebchatFactory.create(is_enabled=False)
    others = [
        get_config(disabled, Origin=SITE),
        get_frame(disabled),
        get_frame(webchat, Referer="https://evil.test/"),
        *(
            get(f"/widget/{unknown}{tail}")
            for unknown in ("0" * 24, "x", "A" * 24, "%00", "0" * 25, "é")
            for tail in ("", "/config")
        ),
    ]
    assert disallowed.status_code == 404
    assert disallowed.content == b'{"error": "Not found.", "code": "not_found"}'
    assert [comparable(other) for other in others] == [comparable(disallowed)] * len(others)
    assert "Access-Control-Allow-Origin" not in disallowed.headers


@pytest.mark.parametrize("headers", [*DISALLOWED, {"Origin": SITE}])
def test_every_page_gets_the_configuration_without_allowed_domains(
    headers: dict[str, str],
) -> None:
    webchat = factories.WebchatFactory.create(allowed_domains=[])
    assert get_config(webchat, **headers).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_responses_have_an_etag_also_when_compressed(path: str) -> None:
    path = path.format(factories.WebchatFactory.create().pk)
    plain = get(path)
    compressed = get(path, **{"Accept-Encoding": "gzip"})
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(compressed.content) == plain.content
    for etag in (plain.headers["ETag"], compressed.headers["ETag"]):
        assert get(path, **{"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize("path", PATHS)
def test_responses_neither_set_a_cookie_nor_vary_on_one(path: str) -> None:
    response = get(path.format(factories.WebchatFactory.create().pk))
    assert response.status_code == 200
    assert not response.cookies
    assert "Cookie" not in response.headers.get("Vary", "")


@pytest.mark.parametrize("path", PATHS)
def test_content_types_are_not_sniffed(path: str) -> None:
    response = get(path.format(factories.WebchatFactory.create().pk))
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", PATHS)
def test_endpoints_are_read_only(path: str, method: str) -> None:
    path = path.format(factories.WebchatFactory.create().pk)
    assert Client().generic(method, path).status_code == 405


def test_requests_are_not_throttled(webchat: Webchat) -> None:
    statuses = {get_config(webchat, Origin=SITE).status_code for _ in range(320)}
    assert statuses == {200}


def test_the_loader_is_cached_for_an_hour_and_usable_by_other_sites() -> None:
    response = get("/embed.js")
    assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert response.headers["Cache-Control"].startswith("public, max-age=3600")
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert b"webchat-widget" in response.content


def test_the_loader_is_served_without_comments_and_indentation() -> None:
    lines = get("/embed.js").content.decode().splitlines()
    assert [line for line in lines if line.startswith((" ", "//"))] == []
    assert "".join(lines).endswith("})();")
