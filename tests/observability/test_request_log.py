"""The request log: one line per request, without secrets, paths and query strings."""

import logging
import re
from typing import Any

import pytest
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from organizations.models import User
from tests.observability.conftest import Log
from tests.support import factories, wsgi
from webchat_project.observability.request_log import route_name
from webchats.models import Webchat
from webchats.views import WebchatViewSet

pytestmark = pytest.mark.django_db

UNKNOWN = "0" * 24


def test_request_is_logged_as_one_line(api: Any, admin: User, log: Log) -> None:
    api(admin).get(f"/api/webchats/{UNKNOWN}?x=y", REMOTE_ADDR="203.0.113.5")
    (line,) = log.records
    assert line.pop("ms") >= 0
    assert re.fullmatch(r"[0-9a-f]{32}", line.pop("request_id"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line.pop("time"))
    assert line == {
        "level": "INFO",
        "logger": "request",
        "message": "request",
        "method": "GET",
        "route": "/api/webchats/<pk>",
        "status": 404,
        "user": admin.pk,
        "organization": admin.organization_id,
        "address": "203.0.113.5",
    }


def test_each_request_is_logged(api: Any, admin: User, log: Log) -> None:
    client = api(admin)
    client.get("/api/webchats")
    client.post("/api/webchats", {})
    client.get("/nothing")
    Client().get("/admin/")
    seen = [(line["method"], line["route"], line["status"]) for line in log.records]
    assert seen == [
        ("GET", "/api/webchats", 200),
        ("POST", "/api/webchats", 400),
        ("GET", "(unknown)", 404),
        ("GET", "/admin/", 302),
    ]
    assert len({line["request_id"] for line in log.records}) == 4


def test_response_of_middleware_is_logged_with_its_route(log: Log) -> None:
    Client().get("/healthz")
    assert [(line["route"], line["level"]) for line in log.requests] == [("/healthz", "DEBUG")]


def test_response_from_the_widget_cache_is_logged(log: Log) -> None:
    path = f"/widget/{factories.WebchatFactory.create(allowed_domains=[]).pk}/config"
    responses = [wsgi.request(path, x_request_id=name) for name in ("a-1", "a-2")]
    assert [response.headers["X-Request-ID"] for response in responses] == ["a-1", "a-2"]
    lines = log.requests
    assert [line.pop("request_id") for line in lines] == ["a-1", "a-2"]
    for line in lines:
        del line["ms"], line["time"]
    assert lines[0] == lines[1]
    assert lines[1]["route"] == "/widget/<str:webchat_id>/config"
    assert (lines[1]["status"], lines[1]["address"]) == (200, "192.0.2.1")


def test_user_of_the_admin_site_is_logged(admin: User, log: Log) -> None:
    client = Client()
    client.force_login(admin)
    assert client.get("/admin/").status_code == 200
    assert (log.requests[-1]["user"], log.requests[-1]["organization"]) == (
        admin.pk,
        admin.organization_id,
    )


def test_logging_runs_no_query(admin: User, log: Log, django_assert_num_queries: Any) -> None:
    client = Client()
    client.force_login(admin)
    with django_assert_num_queries(0):
        client.get("/healthz")
        client.get("/nothing")
    assert log.requests[-1]["user"] is None


@pytest.mark.parametrize("given", ["a", "A-1_b.c", "x" * 64])
def test_well_formed_request_id_is_kept(log: Log, given: str) -> None:
    response = Client().get("/nothing", headers={"x-request-id": given})
    assert response.headers["X-Request-ID"] == given
    assert log.requests[0]["request_id"] == given


@pytest.mark.parametrize(
    "given", ["", " ", "x" * 65, "a b", "a\nb", "é", "a;b", "wck_abcdefgh", "eyJhbGciOi.eyJzdWI.x"]
)
def test_malformed_or_secret_request_id_is_replaced(log: Log, given: str) -> None:
    response = Client().get("/nothing", headers={"x-request-id": given})
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["X-Request-ID"])
    assert log.requests[0]["request_id"] == response.headers["X-Request-ID"]


def test_records_during_a_request_have_its_id(
    api: Any, admin: User, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def log_and_fail(*arguments: Any, **options: Any) -> Any:
        logging.getLogger("some.library").warning("during the request")
        return Webchat.objects.none().get()

    monkeypatch.setattr(WebchatViewSet, "retrieve", log_and_fail)
    response = api(admin, raise_request_exception=False).get(f"/api/webchats/{UNKNOWN}")
    logging.getLogger("some.library").warning("after the request")
    during, *_, after = log.records
    assert during["request_id"] == response.headers["X-Request-ID"]
    assert "request_id" not in after


def test_unhandled_exception_is_logged_once_beside_the_request(
    api: Any, admin: User, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise RuntimeError("the cause")

    monkeypatch.setattr(WebchatViewSet, "retrieve", fail)
    response = api(admin, raise_request_exception=False).get(f"/api/webchats/{UNKNOWN}")
    traceback, line = log.records
    assert (traceback["level"], traceback["logger"]) == ("ERROR", "django.request")
    assert traceback["exc_info"].endswith("RuntimeError: the cause")
    assert (line["level"], line["status"], line["user"]) == ("ERROR", 500, admin.pk)
    assert traceback["request_id"] == line["request_id"] == response.headers["X-Request-ID"]


def test_exit_of_the_process_is_logged_as_500(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*arguments: Any, **options: Any) -> None:
        raise SystemExit(1)

    monkeypatch.setattr(WebchatViewSet, "dispatch", stop)
    with pytest.raises(SystemExit):
        APIClient().get("/api/webchats")
    assert [line["status"] for line in log.requests] == [500]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/static/webchats/frame.css"])
def test_monitoring_and_static_files_are_logged_at_debug(log: Log, path: str) -> None:
    with override_settings(DEBUG=True):
        Client().get(path).close()
    assert [line["level"] for line in log.requests] == ["DEBUG"]


def test_download_is_logged_when_it_ends(api: Any, admin: User, log: Log) -> None:
    factories.WebchatFactory.create_batch(2, user=admin)
    response = api(admin).get("/api/webchats/export?format=csv")
    chunks = iter(response.streaming_content)
    next(chunks)
    assert log.requests == []
    list(chunks)
    response.close()
    (line,) = log.requests
    assert (line["route"], line["status"]) == ("/api/webchats/export", 200)
    assert line["request_id"] == response.headers["X-Request-ID"]


def test_download_that_is_not_read_is_logged_when_closed(api: Any, admin: User, log: Log) -> None:
    response = api(admin).get("/api/webchats/export?format=csv")
    assert log.requests == []
    response.close()
    assert [line["status"] for line in log.requests] == [200]


def test_interrupted_download_is_logged_as_500(
    api: Any, admin: User, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: Any) -> Any:
        yield ["a"]
        raise RuntimeError("interrupted")

    monkeypatch.setattr("webchats.imports.exporter.read_rows", broken)
    response = api(admin).get("/api/webchats/export?format=csv")
    with pytest.raises(RuntimeError):
        list(response.streaming_content)
    assert [line["status"] for line in log.requests] == [500]


def test_x_forwarded_for_is_trusted_for_the_configured_proxies(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    forwarded = {"x-forwarded-for": "10.0.0.1, 203.0.113.9"}
    Client().get("/nothing", headers=forwarded, REMOTE_ADDR="192.0.2.1")
    monkeypatch.setattr("rest_framework.settings.api_settings.NUM_PROXIES", 1, raising=False)
    Client().get("/nothing", headers=forwarded, REMOTE_ADDR="192.0.2.1")
    assert [line["address"] for line in log.requests] == ["192.0.2.1", "203.0.113.9"]


def test_unknown_method_is_logged_as_other(log: Log) -> None:
    Client().generic("X" * 500, "/api/webchats")
    assert log.requests[0]["method"] == "OTHER"


def routes(resolver: URLResolver, prefix: str = "") -> list[str]:
    """Return the routes of a URL resolver and of those it includes."""
    found = []
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            found.append(route)
        else:
            found += routes(entry, route)
    return found


def test_every_route_has_a_readable_name() -> None:
    names = [route_name(route) for route in routes(get_resolver())]
    assert len(names) > 50
    assert [name for name in names if not re.fullmatch(r"/[\w/.<>:-]*", name)] == []


def test_disallowed_host_is_logged_as_a_warning(log: Log) -> None:
    Client().get("/nothing", HTTP_HOST="evil.example.com")
    warning, line = log.records
    assert (warning["level"], warning["logger"]) == ("WARNING", "django.security.DisallowedHost")
    assert "exc_info" not in warning
    assert line["status"] == 400


@pytest.mark.parametrize(
    ("sent", "logged"),
    [("2001:db8::1", "2001:db8::1"), ("a secret", ""), ("x" * 200, ""), ("", "")],
)
def test_text_that_is_not_an_address_is_not_logged(log: Log, sent: str, logged: str) -> None:
    Client().get("/nothing", REMOTE_ADDR=sent)
    assert log.requests[0]["address"] == logged


def test_line_break_in_a_message_does_not_start_a_line(log: Log) -> None:
    logging.getLogger("some.library").warning('logged "\n{"level": "forged"}\r\u2028')
    (record,) = log.records
    assert record["message"].startswith('logged "\n')
    assert len(log.text.splitlines()) == 1
