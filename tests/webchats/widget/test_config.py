"""The public configuration: its fields, CORS, caching and the icon."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.http import HttpResponse
from pytest_django import Settings

from organizations.models import Organization
from tests.support import factories
from tests.webchats.widget.visitor import SITE, get, get_config, get_frame
from webchats.icons.storage import IconStorage
from webchats.models import Webchat
from webchats.widget.serializers import public_config

pytestmark = pytest.mark.django_db

#: The contract with the loader: anyone can read these fields.
PUBLIC_FIELDS = {
    "_id", "title", "icon", "starterMessage", "statusText", "csatThankYouMessage",
    "isSurveyEnabled",
    "backgroundColor", "primaryColor", "secondaryColor", "headerTextColor", "statusTextColor",
    "timestampColor", "csatBackgroundColor", "csatTextColor", "position", "offsetX", "offsetY",
    "zIndex", "primaryTextColor", "secondaryTextColor", "replyColor", "replyTextColor",
    "timestampTextColor",
}  # fmt: skip


def get_data(response: HttpResponse) -> dict[str, Any]:
    """Return the configuration in the response."""
    data: dict[str, Any] = json.loads(response.content)
    return data


# --- Fields ---


def test_anonymous_visitor_gets_the_public_fields_only(webchat: Webchat) -> None:
    response = get_config(webchat, Origin=SITE)
    assert response.status_code == 200
    assert set(get_data(response)) == PUBLIC_FIELDS


def test_private_values_are_in_no_public_response(webchat: Webchat) -> None:
    prompt = webchat.prompt
    private = ["INTERNAL", prompt.pk, prompt.name, webchat.user_id, webchat.organization_id]
    for response in (get_config(webchat, Origin=SITE), get_frame(webchat)):
        assert [text for text in private if text in response.content.decode()] == []


def test_title_is_the_assistant_name_or_the_name_of_the_organization(webchat: Webchat) -> None:
    assert get_data(get_config(webchat, Origin=SITE))["title"] == webchat.organization.name
    Organization.objects.update(assistant_name="Ada")
    assert get_data(get_config(webchat, Origin=SITE))["title"] == "Ada"


def test_text_on_bubbles_has_the_color_with_the_higher_contrast() -> None:
    webchat = factories.WebchatFactory.build(
        user=None,
        organization=Organization(name="Acme"),
        created_by=None,
        prompt=None,
        background_color="#101010",
        primary_color="#FDE047",
        secondary_color="#1E3A8A",
    )
    config = public_config(webchat)
    assert config["primaryTextColor"] == "#000000"
    assert config["secondaryTextColor"] == "#FFFFFF"
    assert config["replyColor"] == "#1E1E1E"
    assert config["replyTextColor"] == "#FFFFFF"


def test_only_the_default_timestamp_color_becomes_readable_on_the_background() -> None:
    colors = {
        (shown["backgroundColor"], shown["timestampColor"]): shown["timestampTextColor"]
        for values in (
            {"background_color": "#FFFFFF"},
            {"background_color": "#111827"},
            {"background_color": "#FFFFFF", "timestamp_color": "#EEEEEE"},
        )
        for shown in [public_config(factories.WebchatFactory.create(**values))]
    }
    assert colors == {
        ("#FFFFFF", "#9CA3AF"): "#6D727A",
        ("#111827", "#9CA3AF"): "#9CA3AF",
        ("#FFFFFF", "#EEEEEE"): "#EEEEEE",
    }


# --- CORS ---


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": SITE},
        {"Origin": "http://shop.example.com:8080"},
        {"Referer": f"{SITE}/hats?size=7"},  # a page of this service's host sends no Origin
    ],
)
def test_an_allowed_page_gets_the_configuration(webchat: Webchat, headers: dict[str, str]) -> None:
    response = get_config(webchat, **headers)
    assert response.status_code == 200
    assert response.headers.get("Access-Control-Allow-Origin") == headers.get("Origin")


def test_cors_allows_no_wildcard_and_no_credentials(webchat: Webchat) -> None:
    responses = [
        get_config(webchat, Origin=SITE),
        get_config(factories.WebchatFactory.create(), Origin="https://any.test"),
        get_config(factories.WebchatFactory.create()),
    ]
    allowed = [response.headers.get("Access-Control-Allow-Origin") for response in responses]
    assert allowed == [SITE, "https://any.test", None]
    for response in responses:
        assert "Access-Control-Allow-Credentials" not in response.headers


# --- Caching ---


def test_configuration_is_cached_for_a_minute_and_then_revalidated(
    webchat: Webchat,
) -> None:
    response = get_config(webchat, Origin=SITE)
    assert response.headers["Cache-Control"] == "max-age=60"
    assert "Origin" in response.headers["Vary"]
    etag = response.headers["ETag"]
    unchanged = get_config(webchat, Origin=SITE, **{"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["ETag"] == etag
    assert unchanged.headers["Access-Control-Allow-Origin"] == SITE
    assert unchanged.headers["Cache-Control"] == "max-age=60"
    Webchat.objects.update(status_text="Back at nine")
    changed = get_config(webchat, Origin=SITE, **{"If-None-Match": etag})
    assert (changed.status_code, get_data(changed)["statusText"]) == (200, "Back at nine")


@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [
        ("br, GZIP;q=0.01", True),
        ("gzip", True),
        ("gzip;q=0", False),
        ("gzip ; q=0.000, identity", False),
        ("identity", False),
    ],
)
def test_configuration_is_compressed_if_the_browser_accepts_gzip(
    accepted: str, is_compressed: bool
) -> None:
    path = f"/widget/{factories.WebchatFactory.create().pk}/config"
    response = get(path, **{"Accept-Encoding": accepted})
    assert ("Content-Encoding" in response.headers) == is_compressed


# --- Icon ---


def test_icon_url_has_the_requested_host(webchat: Webchat, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["one.test", "two.test"]
    key = f"orgs/{webchat.organization_id}/webchat/icon.png"
    Webchat.objects.update(icon=key, allowed_domains=[])
    for host in ("one.test", "two.test", "two.test"):
        icon = get_data(get_config(webchat, Host=host))["icon"]
        assert icon.startswith(f"http://{host}/icons/{key}?")


def test_the_etag_is_the_same_in_every_process(
    webchat: Webchat, storage: IconStorage, set_url_lifetime: Callable[[int], None]
) -> None:
    Webchat.objects.update(icon=f"orgs/{webchat.organization_id}/webchat/icon.png")
    hour = 3600
    with time_machine.travel(1_900_000_000 // hour * hour + 1, tick=False) as clock:
        set_url_lifetime(hour)
        first = get_config(webchat, Origin=SITE)
        clock.shift(5)
        set_url_lifetime(hour)  # a new storage, as in another process, signs a new URL
        other = get_config(webchat, Origin=SITE)
        assert get_data(other)["icon"] != get_data(first)["icon"]
        assert other.headers["ETag"] == first.headers["ETag"]
        clock.shift(hour / 2)  # the signed URL in the browser's copy must be replaced
        known = get_config(webchat, Origin=SITE, **{"If-None-Match": first.headers["ETag"]})
        assert known.status_code == 200
