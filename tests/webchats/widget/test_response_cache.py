"""Configurations that a process sends a second time: asked of what a server runs."""

import gc
import tracemalloc
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.test import Client, RequestFactory
from django.utils import timezone

from organizations.models import Organization
from tests.support import factories
from tests.support.wsgi import Response, request
from webchat_project.wsgi import application
from webchats.models import Webchat
from webchats.widget.response_cache import ReadyConfig, ReadyConfigs

pytestmark = pytest.mark.django_db

SITE = "https://shop.example.com"


def config_of(webchat: Webchat, **headers: str) -> Response:
    return request(f"/widget/{webchat.pk}/config", **headers)


@pytest.fixture
def webchat() -> Webchat:
    return factories.WebchatFactory.create(allowed_domains=["shop.example.com"])


def test_what_was_sent_just_now_is_sent_again_without_asking(
    webchat: Webchat, django_assert_num_queries: Any
) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        first = config_of(webchat, origin=SITE)
        clock.shift(9)
        with django_assert_num_queries(0):
            again = config_of(webchat, origin=SITE)
    assert first.status == "200 OK"
    # Nine seconds of the minute are over: RFC 9111, section 5.1.
    aged = {**first.without_request_id.headers, "Age": "9"}
    assert again.without_request_id == first.without_request_id._replace(headers=aged)
    assert again.headers["X-Request-ID"] != first.headers["X-Request-ID"]


def test_that_the_browser_has_it_is_said_again_too(
    webchat: Webchat, django_assert_num_queries: Any
) -> None:
    etag = config_of(webchat, origin=SITE).headers["ETag"]
    first = config_of(webchat, origin=SITE, if_none_match=etag)
    with django_assert_num_queries(0):
        again = config_of(webchat, origin=SITE, if_none_match=etag)
    assert (first.status, first.body) == ("304 Not Modified", b"")
    assert again.without_request_id == first.without_request_id


def test_an_answer_has_the_headers_that_it_has_without_a_memory(webchat: Webchat) -> None:
    config_of(webchat, origin=SITE)
    answer = config_of(webchat, origin=SITE)
    without = Client().get(f"/widget/{webchat.pk}/config", headers={"Origin": SITE})
    headers = {name: value for name, value in without.headers.items() if name != "X-Request-ID"}
    assert answer.without_request_id.headers == headers
    assert answer.body == without.content


OTHERS = {
    "origin": "http://shop.example.com:8080",
    "referer": f"{SITE}/",
    "accept_encoding": "gzip",
    "if_none_match": 'W/"x"',
    "host": "localhost",
    "x_forwarded_proto": "https",
}


@pytest.mark.parametrize("name", OTHERS)
def test_who_asks_otherwise_is_answered_anew(
    webchat: Webchat, name: str, django_assert_num_queries: Any
) -> None:
    config_of(webchat, origin=SITE)
    with django_assert_num_queries(1):
        config_of(webchat, **{"origin": SITE, name: OTHERS[name]})
    with django_assert_num_queries(1):
        request(f"/widget/{webchat.pk}/config", scheme="https", origin=SITE)


def test_an_answer_varies_by_nothing_that_is_not_looked_at(webchat: Webchat) -> None:
    looked_at = {name.replace("_", "-") for name in OTHERS}
    varies = config_of(webchat, origin=SITE).headers["Vary"].lower().split(", ")
    assert set(varies) <= looked_at
    assert {"origin", "referer", "accept-encoding"} <= set(varies)


@pytest.mark.parametrize(
    "headers", [{}, {"origin": "https://evil.test"}, {"origin": "null", "referer": SITE}]
)
def test_who_may_not_have_it_is_refused_also_when_it_is_remembered(
    webchat: Webchat, headers: Any
) -> None:
    config_of(webchat, origin=SITE)
    for _ in range(2):
        assert config_of(webchat, **headers).status == "404 Not Found"


def test_only_a_get_is_answered_from_memory(webchat: Webchat) -> None:
    config_of(webchat, origin=SITE)
    assert request(f"/widget/{webchat.pk}/config", "HEAD", origin=SITE).status == "200 OK"
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        refused = request(f"/widget/{webchat.pk}/config", method)
        assert refused.status in ("403 Forbidden", "405 Method Not Allowed")


def test_what_another_process_disables_is_gone_in_ten_seconds(webchat: Webchat) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        config_of(webchat, origin=SITE)
        Webchat.objects.update(is_enabled=False)
        clock.shift(9)
        assert config_of(webchat, origin=SITE).status == "200 OK"
        clock.shift(1)
        assert config_of(webchat, origin=SITE).status == "404 Not Found"


@pytest.mark.django_db(transaction=True)
def test_what_this_process_changes_is_seen_at_once(webchat: Webchat) -> None:
    config_of(webchat, origin=SITE)
    webchat.status_text = "Back at nine"
    webchat.save(update_fields=["status_text"])
    assert config_of(webchat, origin=SITE).data["statusText"] == "Back at nine"
    webchat.delete()
    assert config_of(webchat, origin=SITE).status == "404 Not Found"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "change", [lambda rows: rows.update(is_enabled=False), lambda rows: rows.delete()]
)
def test_what_this_process_changes_of_many_is_seen_at_once(webchat: Webchat, change: Any) -> None:
    config_of(webchat, origin=SITE)
    change(Webchat.objects.filter(organization=webchat.organization))
    assert config_of(webchat, origin=SITE).status == "404 Not Found"


def test_an_icons_url_has_half_of_its_life_left_also_when_remembered(
    webchat: Webchat, settings: Any
) -> None:
    Webchat.objects.update(icon=f"orgs/{webchat.organization_id}/webchat/icon.png")
    seconds = settings.STORAGES["icons"]["OPTIONS"]["url_seconds"]
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(300):
            config_of(webchat, origin=SITE)
            clock.shift(9.5)
            icon = config_of(webchat, origin=SITE).data["icon"]
            expires = int(parse_qs(urlsplit(icon).query)["expires"][0])
            assert expires - timezone.now().timestamp() >= seconds / 2


def test_a_host_that_is_not_ours_gets_nothing_from_memory(webchat: Webchat) -> None:
    config_of(webchat, origin=SITE)
    for _ in range(2):
        assert config_of(webchat, origin=SITE, host="evil.test").status == "400 Bad Request"


def test_a_long_question_is_answered_and_not_remembered(
    webchat: Webchat, django_assert_num_queries: Any
) -> None:
    long = {"origin": SITE, "if_none_match": f'W/"{"x" * 1_000}"'}
    config_of(webchat, **long)
    with django_assert_num_queries(1):
        assert config_of(webchat, **long).status == "200 OK"


def test_a_renamed_organization_is_seen_in_ten_seconds(webchat: Webchat) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        config_of(webchat, origin=SITE)
        Organization.objects.update(assistant_name="Ada")
        clock.shift(10)
        assert config_of(webchat, origin=SITE).data["title"] == "Ada"


def test_a_process_does_not_remember_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webchats.widget.response_cache._MOST", 100_000)
    memory = ReadyConfigs()
    answer = ReadyConfig(200, [], b"x" * 30_000, timezone.now().timestamp())
    for number in range(10):
        memory.remember(str(number), (), answer)
    assert [number for number in range(10) if memory.find(str(number), ())] == [8, 9]


def test_a_remembered_body_does_not_keep_the_buffer_it_was_written_in(webchat: Webchat) -> None:
    Webchat.objects.update(starter_message="\N{GRINNING FACE}" * 1_000)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        bodies = [remembered_body(webchat, f"http://shop.example.com:{n}") for n in range(1, 101)]
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 3 * sum(map(len, bodies))


def remembered_body(webchat: Webchat, origin: str) -> bytes:
    config_of(webchat, origin=origin)
    again = config_of(webchat, origin=origin)
    return again.body


def test_what_somebodys_cookies_bring_about_is_not_remembered(webchat: Webchat) -> None:
    for cookie in ("sessionid=x", "csrftoken=x"):
        config_of(webchat, origin=SITE, cookie=cookie)
    assert "Cookie" not in config_of(webchat, origin=SITE).headers["Vary"]


def test_a_server_may_leave_out_an_empty_path(rf: RequestFactory) -> None:
    # PEP 3333: a variable that would be empty may be missing.
    environ = rf.get("/", headers={"Host": "testserver"}).environ
    del environ["PATH_INFO"]
    said: list[str] = []
    application(environ, lambda status, *_: said.append(status))  # type: ignore[arg-type]
    assert said == ["404 Not Found"]
