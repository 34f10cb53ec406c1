"""The page in the iframe: its headers, escaping, and the preview."""

import json

import pytest

from organizations.models import Organization
from tests.support import factories
from tests.webchats.widget.visitor import get_frame
from webchats.models import COLOR_FIELDS, Webchat
from webchats.widget.serializers import public_config
from webchats.widget.views import render_frame

pytestmark = pytest.mark.django_db

HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202e\U0001f600"


def test_only_allowed_domains_may_frame_the_page(webchat: Webchat) -> None:
    response = get_frame(webchat)
    directives = response.headers["Content-Security-Policy"].split("; ")
    assert "frame-ancestors http://shop.example.com:* https://shop.example.com:*" in directives
    assert "default-src 'none'" in directives
    assert "script-src 'self'" in directives
    assert "style-src 'self'" in directives
    assert "X-Frame-Options" not in response.headers
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "max-age=60"


def test_every_page_may_frame_it_without_allowed_domains() -> None:
    response = get_frame(factories.WebchatFactory.create(allowed_domains=[]))
    assert "frame-ancestors" not in response.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in response.headers


@pytest.mark.parametrize("preview", [True, False])
def test_markup_in_texts_is_escaped(preview: bool) -> None:
    texts = ("starter_message", "status_text", "csat_thank_you_message")
    webchat = Webchat(
        organization=Organization(name=HOSTILE),
        **dict.fromkeys(texts, HOSTILE),
        **dict.fromkeys(COLOR_FIELDS, "#123456"),
    )
    config = public_config(webchat)
    page = render_frame(config, preview=preview)
    inlined = page.split('type="application/json">')[1].split("</script>")[0]
    assert json.loads(inlined) == config
    assert "<img" not in page
    assert "alert(1)</script>" not in page
    assert page.count("<script") == 2


def test_only_the_preview_shows_samples(webchat: Webchat) -> None:
    config = public_config(webchat)
    live, preview = (render_frame(config, preview=flag) for flag in (False, True))
    assert [mark in live for mark in ('csat"', "<time", "sent")] == [False, False, False]
    assert [mark in preview for mark in ('csat"', "<time", "sent")] == [True, True, True]


def test_the_preview_renders_an_unsaved_webchat(organization: Organization) -> None:
    unsaved = Webchat(organization=organization, **dict.fromkeys(COLOR_FIELDS, "#ABCDEF"))
    page = render_frame(public_config(unsaved), preview=True)
    assert "#ABCDEF" in page
    assert not Webchat.objects.exists()
