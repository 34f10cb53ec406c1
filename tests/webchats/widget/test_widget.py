"""The widget's public face: what a stranger gets, and what they do not."""

import gzip
import json
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from organizations.models import Organization
from tests.support import factories
from webchats.icons.storage import IconStorage
from webchats.models import COLOR_FIELDS, Webchat
from webchats.models.last_load import LastLoad
from webchats.widget.serializers import public_config
from webchats.widget.views import render_frame

pytestmark = pytest.mark.django_db

SITE = "https://shop.example.com"
HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202e\U0001f600"

#: Contract: public fields only. A name is added here deliberately or not at all.
PUBLIC = {
    "_id", "title", "icon", "starterMessage", "statusText", "csatThankYouMessage",
    "backgroundColor", "primaryColor", "secondaryColor", "headerTextColor", "statusTextColor",
    "timestampColor", "csatBackgroundColor", "csatTextColor", "position", "offsetX", "offsetY",
    "zIndex", "primaryTextColor", "secondaryTextColor", "replyColor", "replyTextColor",
}  # fmt: skip


@pytest.fixture
def webchat() -> Webchat:
    return factories.WebchatFactory.create(
        name="INTERNAL", description="INTERNAL", allowed_domains=["shop.example.com"]
    )


def config_of(webchat: Webchat, **headers: str) -> Any:
    return Client().get(f"/widget/{webchat.pk}/config", headers=headers)


def frame_of(webchat: Webchat, **headers: str) -> Any:
    return Client().get(f"/widget/{webchat.pk}", headers=headers)


# --- What is public ---


def test_a_stranger_sees_the_public_names_only(webchat: Webchat) -> None:
    answer = config_of(webchat, Origin=SITE)
    assert answer.status_code == 200
    assert set(answer.json()) == PUBLIC


def test_what_is_private_is_in_no_public_answer(webchat: Webchat) -> None:
    prompt = webchat.prompt
    private = ["INTERNAL", prompt.pk, prompt.name, webchat.user_id, webchat.organization_id]
    for answer in (config_of(webchat, Origin=SITE), frame_of(webchat)):
        assert [text for text in private if text in answer.content.decode()] == []


def test_the_title_is_the_assistants_name_or_else_the_organizations(webchat: Webchat) -> None:
    assert config_of(webchat, Origin=SITE).json()["title"] == webchat.organization.name
    Organization.objects.update(assistant_name="Ada")
    assert config_of(webchat, Origin=SITE).json()["title"] == "Ada"


def test_text_on_a_bubble_is_black_or_white_whichever_contrasts_more() -> None:
    webchat = factories.WebchatFactory.build(
        user=None,
        organization=Organization(name="Acme"),
        created_by=None,
        prompt=None,
        background_color="#101010",
        primary_color="#FDE047",
        secondary_color="#1E3A8A",
    )
    data = public_config(webchat)
    assert data["primaryTextColor"] == "#000000"
    assert data["secondaryTextColor"] == "#FFFFFF"
    assert data["replyColor"] == "#1E1E1E"
    assert data["replyTextColor"] == "#FFFFFF"


# --- Who may have it ---


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": SITE},
        {"Origin": "http://shop.example.com:8080"},
        {"Referer": f"{SITE}/hats?size=7"},  # a page of this very host sends no Origin
    ],
)
def test_an_allowed_page_gets_the_configuration(webchat: Webchat, headers: Any) -> None:
    answer = config_of(webchat, **headers)
    assert answer.status_code == 200
    assert answer.headers.get("Access-Control-Allow-Origin") == headers.get("Origin")


REFUSED = [
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


def as_seen(answer: Any) -> Any:
    # The one header that is each answer's own tells nothing but that it is another request.
    headers = {name: value for name, value in answer.headers.items() if name != "X-Request-ID"}
    return answer.status_code, answer.content, sorted(headers.items())


@pytest.mark.parametrize("headers", REFUSED)
def test_refused_disabled_and_unknown_are_one_answer(webchat: Webchat, headers: Any) -> None:
    refused = config_of(webchat, **headers)
    disabled = factories.WebchatFactory.create(is_enabled=False)
    others = [
        config_of(disabled, Origin=SITE),
        frame_of(disabled),
        frame_of(webchat, Referer="https://evil.test/"),
        *(
            Client().get(f"/widget/{unknown}{tail}")
            for unknown in ("0" * 24, "x", "A" * 24, "%00", "0" * 25, "é")
            for tail in ("", "/config")
        ),
    ]
    assert refused.status_code == 404
    assert refused.json() == {"error": "Not found.", "code": "not_found"}
    assert [as_seen(other) for other in others] == [as_seen(refused)] * len(others)
    assert "Access-Control-Allow-Origin" not in refused.headers


@pytest.mark.parametrize("headers", [*REFUSED, {"Origin": SITE}])
def test_with_an_empty_list_everyone_gets_it(headers: Any) -> None:
    answer = config_of(factories.WebchatFactory.create(allowed_domains=[]), **headers)
    assert answer.status_code == 200


def test_no_origin_is_allowed_by_wildcard(webchat: Webchat) -> None:
    answers = [
        config_of(webchat, Origin=SITE),
        config_of(factories.WebchatFactory.create(), Origin="https://any.test"),
        config_of(factories.WebchatFactory.create()),
    ]
    allowed = [answer.headers.get("Access-Control-Allow-Origin") for answer in answers]
    assert allowed == [SITE, "https://any.test", None]
    assert not any("Access-Control-Allow-Credentials" in answer.headers for answer in answers)


# --- Caching ---


def test_the_configuration_is_fresh_for_a_minute_and_then_validated(webchat: Webchat) -> None:
    answer = config_of(webchat, Origin=SITE)
    assert answer.headers["Cache-Control"] == "max-age=60"
    assert "Origin" in answer.headers["Vary"]
    etag = answer.headers["ETag"]
    again = config_of(webchat, Origin=SITE, **{"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == etag
    assert again.headers["Access-Control-Allow-Origin"] == SITE
    assert again.headers["Cache-Control"] == "max-age=60"
    Webchat.objects.update(status_text="Back at nine")
    changed = config_of(webchat, Origin=SITE, **{"If-None-Match": etag})
    assert (changed.status_code, changed.json()["statusText"]) == (200, "Back at nine")


@pytest.mark.parametrize("path", ["/embed.js", "/widget/{}/config", "/widget/{}"])
def test_every_public_answer_is_validated_also_when_compressed(path: str) -> None:
    path = path.format(factories.WebchatFactory.create().pk)
    plain = Client().get(path)
    packed = Client().get(path, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    for etag in (plain.headers["ETag"], packed.headers["ETag"]):
        assert Client().get(path, headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize(
    ("accepted", "is_packed"),
    [
        ("br, GZIP;q=0.01", True),
        ("gzip", True),
        ("gzip;q=0", False),
        ("gzip ; q=0.000, identity", False),
        ("identity", False),
    ],
)
def test_a_configuration_is_compressed_for_who_takes_it(accepted: str, is_packed: bool) -> None:
    path = f"/widget/{factories.WebchatFactory.create().pk}/config"
    answer = Client().get(path, headers={"Accept-Encoding": accepted})
    assert ("Content-Encoding" in answer.headers) == is_packed


def test_the_loader_has_one_address_for_ever() -> None:
    answer = Client().get("/embed.js")
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["Cache-Control"].startswith("public, max-age=3600")
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert b"webchat-widget" in answer.content


@pytest.mark.parametrize("path", ["/embed.js", "/widget/{}/config", "/widget/{}"])
def test_no_public_answer_sets_a_cookie_or_depends_on_one(path: str) -> None:
    answer = Client().get(path.format(factories.WebchatFactory.create().pk))
    assert answer.status_code == 200
    assert not answer.cookies
    assert "Cookie" not in answer.headers.get("Vary", "")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
@pytest.mark.parametrize("path", ["/embed.js", "/widget/{}/config", "/widget/{}"])
def test_the_public_face_is_read_only(path: str, method: str) -> None:
    path = path.format(factories.WebchatFactory.create().pk)
    assert getattr(Client(), method)(path).status_code == 405


def test_the_public_face_has_no_rate_limit(webchat: Webchat, settings: Any) -> None:
    statuses = {config_of(webchat, Origin=SITE).status_code for _ in range(320)}
    assert statuses == {200}


# --- The icon ---


def test_an_icon_is_loaded_from_the_host_that_was_asked(webchat: Webchat, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["one.test", "two.test"]
    key = f"orgs/{webchat.organization_id}/webchat/icon.png"
    Webchat.objects.update(icon=key, allowed_domains=[])
    for host in ("one.test", "two.test", "two.test"):
        answer = config_of(webchat, Host=host)
        assert answer.json()["icon"].startswith(f"http://{host}/icons/{key}?")


def test_the_etag_is_the_same_in_every_process(
    webchat: Webchat, storage: IconStorage, set_url_lifetime: Callable[[int], None]
) -> None:
    Webchat.objects.update(icon=f"orgs/{webchat.organization_id}/webchat/icon.png")
    hour = 3600
    with time_machine.travel(1_900_000_000 // hour * hour + 1, tick=False) as clock:
        set_url_lifetime(hour)
        first = config_of(webchat, Origin=SITE)
        clock.shift(5)
        set_url_lifetime(hour)  # a new storage, as in another process, signs a new URL
        other = config_of(webchat, Origin=SITE)
        assert other.json()["icon"] != first.json()["icon"]
        assert other.headers["ETag"] == first.headers["ETag"]
        clock.shift(hour / 2)  # the signed URL in the browser's copy must be replaced
        known = config_of(webchat, Origin=SITE, **{"If-None-Match": first.headers["ETag"]})
        assert known.status_code == 200


# --- The frame page ---


def test_the_frame_names_who_may_frame_it(webchat: Webchat) -> None:
    answer = frame_of(webchat)
    directives = answer.headers["Content-Security-Policy"].split("; ")
    assert "frame-ancestors http://shop.example.com:* https://shop.example.com:*" in directives
    assert "default-src 'none'" in directives
    assert "script-src 'self'" in directives
    assert "style-src 'self'" in directives
    assert "X-Frame-Options" not in answer.headers
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "max-age=60"


def test_without_a_list_no_ancestor_is_refused() -> None:
    answer = frame_of(factories.WebchatFactory.create(allowed_domains=[]))
    assert "frame-ancestors" not in answer.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in answer.headers


@pytest.mark.parametrize("preview", [True, False])
def test_hostile_texts_stay_text(preview: bool) -> None:
    texts = ("starter_message", "status_text", "csat_thank_you_message")
    webchat = Webchat(
        organization=Organization(name=HOSTILE),
        **dict.fromkeys(texts, HOSTILE),
        **dict.fromkeys(COLOR_FIELDS, "#123456"),
    )
    data = public_config(webchat)
    page = render_frame(data, preview=preview)
    inside = page.split('type="application/json">')[1].split("</script>")[0]
    assert json.loads(inside) == data
    assert "<img" not in page
    assert "alert(1)</script>" not in page
    assert page.count("<script") == 2


def test_only_the_preview_has_samples(webchat: Webchat) -> None:
    data = public_config(webchat)
    live, preview = (render_frame(data, preview=flag) for flag in (False, True))
    assert [mark in live for mark in ('csat"', "<time", "sent")] == [False, False, False]
    assert [mark in preview for mark in ('csat"', "<time", "sent")] == [True, True, True]


def test_the_preview_draws_what_is_not_saved(organization: Organization) -> None:
    unsaved = Webchat(organization=organization, **dict.fromkeys(COLOR_FIELDS, "#ABCDEF"))
    page = render_frame(public_config(unsaved), preview=True)
    assert "#ABCDEF" in page
    assert not Webchat.objects.exists()


# --- The last load ---


def test_the_last_load_names_time_and_host(webchat: Webchat) -> None:
    config_of(webchat, Origin="https://shop.example.com:8443")
    note = LastLoad.objects.get()
    assert (note.webchat, note.host) == (webchat, "shop.example.com")
    assert timezone.now() - note.loaded_at < timedelta(minutes=1)


def test_a_busy_site_writes_once_a_minute(webchat: Webchat) -> None:
    Webchat.objects.update(allowed_domains=[])
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        config_of(webchat, Origin="https://first.test")
        clock.shift(59)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            config_of(webchat, Origin="https://second.test")
        assert len(queries) == 1  # the webchat with all that the answer needs
        assert LastLoad.objects.get().host == "first.test"
        clock.shift(1)
        config_of(webchat, Origin="https://third.test")
        assert LastLoad.objects.get().host == "third.test"


def test_a_refused_page_leaves_no_note(webchat: Webchat) -> None:
    config_of(webchat, Origin="https://evil.test")
    assert not LastLoad.objects.exists()


@pytest.mark.parametrize(
    "origin", ["null", "https://" + "a" * 300 + ".test", "https://[", "https://é.test", "\x00", "x"]
)
def test_a_host_that_cannot_be_noted_costs_the_visitor_nothing(origin: str) -> None:
    webchat = factories.WebchatFactory.create(allowed_domains=[])
    assert config_of(webchat, Origin=origin).status_code == 200
    assert LastLoad.objects.get().host == ""


def test_a_note_that_cannot_be_written_costs_the_visitor_nothing(
    webchat: Webchat, caplog: pytest.LogCaptureFixture
) -> None:
    def locked(execute: Any, sql: str, *arguments: Any) -> Any:
        if sql.startswith("INSERT"):
            raise OperationalError("database is locked")
        return execute(sql, *arguments)

    with connection.execute_wrapper(locked):
        answer = config_of(webchat, Origin=SITE)
    assert answer.status_code == 200
    assert "was not recorded" in caplog.text


def test_the_last_load_goes_with_its_webchat(webchat: Webchat) -> None:
    config_of(webchat, Origin=SITE)
    webchat.delete()
    assert not LastLoad.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL locks rows, not the database")
def test_a_visitor_does_not_wait_for_who_holds_the_whole_database(
    caplog: pytest.LogCaptureFixture,
) -> None:
    webchat = factories.WebchatFactory.create(allowed_domains=[])
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        answer = config_of(webchat, Origin=SITE)
    finally:
        other.rollback()
        other.close()
    # Had it waited, it would have been for the twenty seconds of the settings, and in vain too.
    assert answer.status_code == 200
    assert "was not recorded" in caplog.text
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone() == (20_000,)
