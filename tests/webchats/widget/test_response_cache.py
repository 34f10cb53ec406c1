"""The response cache of the widget's configuration, in front of the WSGI application."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment
from wsgiref.util import setup_testing_defaults

import pytest
import time_machine
from django.core.management import call_command
from django.db.models import QuerySet
from django.test import Client, RequestFactory
from django.utils import timezone

from organizations.models import Organization
from tests.support.wsgi import Response, request
from tests.webchats.widget.visitor import SITE
from webchat_project.wsgi import application
from webchats.checks import check_widget_config_cache
from webchats.models import Webchat
from webchats.widget.response_cache import ResponseCache, WidgetConfigCache

pytestmark = pytest.mark.django_db


def get_config(webchat: Webchat, **headers: Any) -> Response:
    return request(f"/widget/{webchat.pk}/config", **headers)


# --- Stored responses ---


def test_a_repeated_request_gets_the_stored_response(
    webchat: Webchat, django_assert_num_queries: Any
) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        first = get_config(webchat, origin=SITE)
        clock.shift(9)
        with django_assert_num_queries(0):
            again = get_config(webchat, origin=SITE)
    assert first.status == "200 OK"
    # RFC 9111, section 5.1: nine seconds of max-age are over.
    aged = {**first.without_request_id.headers, "Age": "9"}
    assert again.without_request_id == first.without_request_id._replace(headers=aged)
    assert again.headers["X-Request-ID"] != first.headers["X-Request-ID"]


def test_304_response_is_stored(webchat: Webchat, django_assert_num_queries: Any) -> None:
    etag = get_config(webchat, origin=SITE).headers["ETag"]
    first = get_config(webchat, origin=SITE, if_none_match=etag)
    with django_assert_num_queries(0):
        again = get_config(webchat, origin=SITE, if_none_match=etag)
    assert (first.status, first.body) == ("304 Not Modified", b"")
    assert again.without_request_id == first.without_request_id


def test_stored_response_equals_the_response_of_django(webchat: Webchat) -> None:
    get_config(webchat, origin=SITE)
    stored = get_config(webchat, origin=SITE)
    django = Client().get(f"/widget/{webchat.pk}/config", headers={"Origin": SITE})
    headers = {name: value for name, value in django.headers.items() if name != "X-Request-ID"}
    assert stored.without_request_id.headers == headers
    assert stored.body == django.content


def test_zero_seconds_disable_the_cache(
    webchat: Webchat, settings: Any, django_assert_num_queries: Any
) -> None:
    settings.WIDGET_CONFIG_CACHE_SECONDS = 0
    first = get_config(webchat, origin=SITE)
    with django_assert_num_queries(1):
        again = get_config(webchat, origin=SITE)
    assert again.without_request_id == first.without_request_id


@pytest.mark.parametrize(
    ("seconds", "url_seconds", "expected"),
    [
        (0, 60, []),
        (10, 60, []),
        (11, 60, ["webchats.E006"]),
        (60, 3600, []),
        (61, 3600, ["webchats.E006"]),
        (-1, 3600, ["webchats.E006"]),
    ],
)
def test_cache_seconds_outside_their_range_are_reported(
    settings: Any, seconds: int, url_seconds: int, expected: list[str]
) -> None:
    settings.WIDGET_CONFIG_CACHE_SECONDS = seconds
    settings.ICON_URL_SECONDS = url_seconds
    assert [message.id for message in check_widget_config_cache()] == expected


# --- Cache key ---

OTHER_HEADERS = {
    "origin": "http://shop.example.com:8080",
    "referer": f"{SITE}/",
    "accept_encoding": "gzip",
    "if_none_match": 'W/"x"',
    "host": "localhost",
    "x_forwarded_proto": "https",
}


@pytest.mark.parametrize("name", OTHER_HEADERS)
def test_a_request_with_another_header_reaches_django(
    webchat: Webchat, name: str, django_assert_num_queries: Any
) -> None:
    get_config(webchat, origin=SITE)
    with django_assert_num_queries(1):
        get_config(webchat, **{"origin": SITE, name: OTHER_HEADERS[name]})


def test_a_request_with_another_scheme_reaches_django(
    webchat: Webchat, django_assert_num_queries: Any
) -> None:
    get_config(webchat, origin=SITE)
    with django_assert_num_queries(1):
        request(f"/widget/{webchat.pk}/config", scheme="https", origin=SITE)


def test_vary_names_only_headers_of_the_key(webchat: Webchat) -> None:
    vary = set(get_config(webchat, origin=SITE).headers["Vary"].lower().split(", "))
    assert vary <= {name.replace("_", "-") for name in OTHER_HEADERS}
    assert vary >= {"origin", "referer", "accept-encoding"}


@pytest.mark.parametrize(
    "headers", [{}, {"origin": "https://evil.test"}, {"origin": "null", "referer": SITE}]
)
def test_disallowed_page_gets_no_stored_response(webchat: Webchat, headers: Any) -> None:
    get_config(webchat, origin=SITE)
    for _ in range(2):
        assert get_config(webchat, **headers).status == "404 Not Found"


def test_an_unknown_host_gets_no_stored_response(webchat: Webchat) -> None:
    get_config(webchat, origin=SITE)
    for _ in range(2):
        assert get_config(webchat, origin=SITE, host="evil.test").status == "400 Bad Request"


def test_only_get_requests_get_a_stored_response(
    webchat: Webchat, django_assert_num_queries: Any
) -> None:
    get_config(webchat, origin=SITE)
    with django_assert_num_queries(1):
        assert request(f"/widget/{webchat.pk}/config", "HEAD", origin=SITE).status == "200 OK"
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        refused = request(f"/widget/{webchat.pk}/config", method)
        assert refused.status in ("403 Forbidden", "405 Method Not Allowed")


def test_a_response_to_very_long_headers_is_not_stored(
    webchat: Webchat, django_assert_num_queries: Any
) -> None:
    long = {"origin": SITE, "if_none_match": f'W/"{"x" * 1_000}"'}
    get_config(webchat, **long)
    with django_assert_num_queries(1):
        assert get_config(webchat, **long).status == "200 OK"


def test_cookies_of_a_request_do_not_change_the_response(webchat: Webchat) -> None:
    for cookie in ("sessionid=x", "csrftoken=x"):
        get_config(webchat, origin=SITE, cookie=cookie)
    assert "Cookie" not in get_config(webchat, origin=SITE).headers["Vary"]


def test_a_request_without_path_info_reaches_django(rf: RequestFactory) -> None:
    # PEP 3333: a variable that would be empty may be missing.
    environ = rf.get("/", headers={"Host": "testserver"}).environ
    del environ["PATH_INFO"]
    statuses: list[str] = []
    application(environ, lambda status, *_: statuses.append(status))  # type: ignore[arg-type]
    assert statuses == ["302 Found"]


# --- Expiry and invalidation ---


def test_a_change_by_another_process_shows_after_ten_seconds(webchat: Webchat) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        get_config(webchat, origin=SITE)
        # The test's transaction does not commit, and so does not invalidate.
        Webchat.objects.update(is_enabled=False)
        clock.shift(9)
        assert get_config(webchat, origin=SITE).status == "200 OK"
        clock.shift(1)
        assert get_config(webchat, origin=SITE).status == "404 Not Found"


def test_a_renamed_organization_shows_after_ten_seconds(webchat: Webchat) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        get_config(webchat, origin=SITE)
        Organization.objects.update(assistant_name="Ada")
        clock.shift(10)
        assert get_config(webchat, origin=SITE).data["title"] == "Ada"


@pytest.mark.django_db(transaction=True)
def test_saving_and_deleting_invalidate(webchat: Webchat) -> None:
    get_config(webchat, origin=SITE)
    webchat.status_text = "Back at nine"
    webchat.save(update_fields=["status_text"])
    assert get_config(webchat, origin=SITE).data["statusText"] == "Back at nine"
    webchat.delete()
    assert get_config(webchat, origin=SITE).status == "404 Not Found"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "change", [lambda rows: rows.update(is_enabled=False), lambda rows: rows.delete()]
)
def test_bulk_changes_invalidate(
    webchat: Webchat, change: Callable[[QuerySet[Webchat]], object]
) -> None:
    get_config(webchat, origin=SITE)
    change(Webchat.objects.filter(organization=webchat.organization))
    assert get_config(webchat, origin=SITE).status == "404 Not Found"


@pytest.mark.django_db(transaction=True)
def test_an_import_invalidates(webchat: Webchat, tmp_path: Path) -> None:
    get_config(webchat, origin=SITE)
    file = tmp_path / "webchats.ndjson"
    file.write_text(f'{{"_id": "{webchat.pk}", "isEnabled": false}}\n')
    options = {"organization": webchat.organization_id, "update": True, "user": webchat.user.email}
    call_command("import_webchats", str(file), **options)
    assert get_config(webchat, origin=SITE).status == "404 Not Found"


def test_icon_url_has_at_least_half_of_its_lifetime_left(webchat: Webchat, settings: Any) -> None:
    Webchat.objects.update(icon=f"orgs/{webchat.organization_id}/webchat/icon.png")
    seconds = settings.STORAGES["icons"]["OPTIONS"]["url_seconds"]
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(300):
            get_config(webchat, origin=SITE)
            clock.shift(9.5)
            icon = get_config(webchat, origin=SITE).data["icon"]
            expires = int(parse_qs(urlsplit(icon).query)["expires"][0])
            assert expires - timezone.now().timestamp() >= seconds / 2


# --- The middleware with another application ---


class CountingApplication:
    """A WSGI application that counts its calls."""

    def __init__(self, *headers: tuple[str, str], body: bytes = b"{}") -> None:
        self.headers, self.body, self.calls = [*headers], body, 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        self.calls += 1
        self.on_call()
        start_response("200 OK", self.headers)
        return [self.body]

    def on_call(self) -> None:
        """Do nothing. A test can replace this method."""


def call(middleware: WidgetConfigCache, number: int = 0) -> list[tuple[str, str]]:
    """Request the configuration of a webchat and return the headers of the response."""
    environ: WSGIEnvironment = {"PATH_INFO": f"/widget/{number:024x}/config"}
    setup_testing_defaults(environ)
    sent: list[Any] = []
    list(middleware(environ, lambda *head: sent.extend(head)))  # type: ignore[arg-type]
    headers: list[tuple[str, str]] = sent[1]
    return headers


def test_a_response_with_a_cookie_is_not_stored() -> None:
    inner = CountingApplication(("Set-Cookie", "a=b"))
    middleware = WidgetConfigCache(inner, ResponseCache())
    assert [call(middleware) for _ in range(2)] == [[("Set-Cookie", "a=b")]] * 2
    assert inner.calls == 2


def test_the_cache_is_cleared_when_it_is_full() -> None:
    inner = CountingApplication(body=b"x" * 30_000)
    middleware = WidgetConfigCache(inner, ResponseCache(max_bytes=100_000))
    for number in range(10):
        call(middleware, number)
    call(middleware, 0)
    assert inner.calls == 11
    call(middleware, 0)
    assert inner.calls == 11


def test_response_is_not_stored_if_the_webchat_changes_meanwhile() -> None:
    cache, inner = ResponseCache(), CountingApplication()
    middleware = WidgetConfigCache(inner, cache)
    inner.on_call = lambda: cache.invalidate("0" * 24)  # type: ignore[method-assign]
    call(middleware)
    call(middleware)
    assert inner.calls == 2
