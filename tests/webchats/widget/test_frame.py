"""The page in the iframe: its headers, escaping, and the preview."""

import json
import re

import pytest

from organizations.models import Organization
from tests.support import factories
from tests.support.environment import ROOT
from tests.webchats.widget.visitor import get, get_frame
from webchats.models import COLOR_FIELDS, Webchat
from webchats.widget.assets import FRAME, read_assets
from webchats.widget.serializers import public_config
from webchats.widget.views import render_frame
from webchats.widget.words import SURVEY_WORDS, WORDS, Words, script_words

pytestmark = pytest.mark.django_db

HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202e\U0001f600"


def test_only_allowed_domains_may_frame_the_page(webchat: Webchat) -> None:
    response = get_frame(webchat)
    directives = response.headers["Content-Security-Policy"].split("; ")
    assert "frame-ancestors http://shop.example.com:* https://shop.example.com:*" in directives
    assert "default-src 'none'" in directives
    assert "script-src 'self'" in directives
    assert "connect-src 'self'" in directives
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
    inlined = page.split('id="config" type="application/json">')[1].split("</script>")[0]
    assert json.loads(inlined) == config
    assert "<img" not in page
    assert "alert(1)</script>" not in page
    assert page.count("<script") == 3


def test_only_the_preview_shows_samples(webchat: Webchat) -> None:
    config = public_config(webchat)
    live, preview = (render_frame(config, preview=flag) for flag in (False, True))
    marks = ('value="4" checked', "<time", 'message sent"')
    assert [mark in live for mark in marks] == [False, False, False]
    assert [mark in preview for mark in marks] == [True, True, True]


@pytest.mark.parametrize("is_enabled", [True, False])
def test_the_preview_shows_the_survey_with_its_thanks(is_enabled: bool) -> None:
    webchat = factories.WebchatFactory.build(
        organization=Organization(name="Shop"),
        csat_thank_you_message="",
        is_survey_enabled=is_enabled,
    )
    page = render_frame(public_config(webchat), preview=True)
    survey = page.split('<section class="csat" ')[1].split("</section>")[0]
    assert ("hidden" not in survey.split(">")[0]) == is_enabled
    assert [
        "hidden" in survey.split(f'id="{name}"')[1].split(">")[0] for name in ("rate", "thanks")
    ] == [False, False]
    assert survey.count('type="radio"') == 5
    assert "Thank you for your feedback!" in survey


def test_the_preview_renders_an_unsaved_webchat(organization: Organization) -> None:
    unsaved = Webchat(organization=organization, **dict.fromkeys(COLOR_FIELDS, "#ABCDEF"))
    page = render_frame(public_config(unsaved), preview=True)
    assert "#ABCDEF" in page
    assert not Webchat.objects.exists()


def test_the_page_has_the_texts_of_a_known_language(webchat: Webchat) -> None:
    pages = [
        get(f"/widget/{webchat.pk}?lang={language}").content.decode()
        for language in ("de", "DE-at", "xx", "", "../de")
    ]
    assert ["Chat schließen" in page for page in pages] == [True, True, False, False, False]
    assert ['lang="de"' in page for page in pages] == [True, True, False, False, False]


@pytest.mark.parametrize("words", [WORDS, SURVEY_WORDS])
def test_every_language_has_every_text_with_its_names(words: Words) -> None:
    names = {
        language: {name: text.count("{name}") for name, text in texts.items()}
        for language, texts in words.items()
    }
    assert set(names) == {"en", "de", "fr", "es", "pt", "it", "nl"}
    assert [language for language in names if names[language] != names["en"]] == []
    assert all(text.strip() for texts in words.values() for text in texts.values())


def test_the_survey_comes_in_the_language_of_the_page_and_not_with_the_page(
    webchat: Webchat,
) -> None:
    assert 'id="survey"' not in get_frame(webchat).content.decode()
    response = get("/widget/survey.html?lang=de-AT")
    assert SURVEY_WORDS["de"]["question"] in response.content.decode()
    assert response.headers["Cache-Control"] == "no-cache"
    assert SURVEY_WORDS["en"]["question"] in get("/widget/survey.html?lang=xx").content.decode()


def test_the_script_has_the_words_that_the_page_does_not_have() -> None:
    page = (ROOT / "templates" / "widget" / "frame.html").read_text()
    in_page = set(re.findall(r"words[.](\w+)", page))
    assert script_words("en").keys() == WORDS["en"].keys() - in_page
    in_script = set(re.findall(rb"words[.](\w+)", read_assets(FRAME)))
    assert {name.decode() for name in in_script} <= script_words("en").keys()


def test_a_webchat_without_starter_message_greets_in_the_language_of_the_page() -> None:
    webchat = factories.WebchatFactory.create(allowed_domains=[], starter_message="")
    assert "Hi! How can we help?" in get_frame(webchat).content.decode()
    assert "Wie können wir helfen?" in get(f"/widget/{webchat.pk}?lang=de").content.decode()


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("frame.js", "text/javascript"),
        ("frame.css", "text/css"),
        ("survey.js", "text/javascript"),
        ("survey.css", "text/css"),
    ],
)
def test_a_file_of_the_page_is_cached_by_its_version(
    webchat: Webchat, name: str, content_type: str
) -> None:
    pages = get_frame(webchat).content + get("/widget/survey.html").content
    address = f"/widget/{name}?" + pages.decode().split(f'"/widget/{name}?')[1].split('"')[0]
    current, other = get(address), get(f"/widget/{name}?v=0")
    assert current.headers["Content-Type"] == f"{content_type}; charset=utf-8"
    assert current.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert other.headers["Cache-Control"] == "no-cache"
    assert current.content == other.content
    lines = current.content.decode().splitlines()
    assert [line for line in lines if not line or line.startswith((" ", "//", "/*"))] == []
