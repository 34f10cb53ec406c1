"""The content of the widget: escaping, icons, size of its downloads, browser storage."""

import gzip
import re

import pytest
from playwright.sync_api import Response, expect

from organizations.models import Organization
from tests.browser.conftest import HOSTILE_STRINGS, PHONE, WidgetVisit
from tests.support import factories
from tests.support.icons import store_icon
from webchats.icons.storage import icon_storage
from webchats.models import Webchat

pytestmark = pytest.mark.usefixtures("live_server")


@pytest.mark.parametrize("names", ["script img", "bidi emoji", "long"])
def test_hostile_strings_are_shown_as_text(visit_widget: WidgetVisit, names: str) -> None:
    text = "".join(HOSTILE_STRINGS[name] for name in names.split())
    webchat = factories.WebchatFactory.create(
        starter_message=text, status_text=text[:200], csat_thank_you_message=text[:500]
    )
    webchat.organization.assistant_name = text[:120]
    webchat.organization.save()
    visit = visit_widget(webchat, options=PHONE)
    visit.open_widget()
    content = "element => element.textContent"
    assert visit.frame.locator("#greeting").evaluate(content) == text
    assert visit.frame.locator(".status").evaluate(content) == text[:200]
    assert visit.frame.locator("h1").evaluate(content) == text[:120]
    assert visit.launcher.get_attribute("aria-label") == "Chat: " + text[:120]
    assert visit.page.title() == "Shop"
    assert visit.frame.locator("html").evaluate("html => html.scrollWidth") == 320
    assert visit.frame.locator("img, script:not([id]):not([src])").count() == 0
    assert visit.console == []


def test_the_widget_downloads_at_most_20_kib_and_stores_nothing(visit_widget: WidgetVisit) -> None:
    webchat = factories.WebchatFactory.create(
        starter_message="Hi! " * 20, status_text="Within minutes"
    )
    visit = visit_widget(webchat)
    bodies: dict[str, bytes] = {}

    def record(response: Response) -> None:
        bodies.setdefault(response.url, response.body())

    visit.page.context.on("response", record)
    visit.page.reload()
    expect(visit.launcher).to_be_visible()
    visit.page.wait_for_load_state("networkidle")
    ours = [url for url in bodies if "localhost" in url]
    assert [url.rsplit("/", 1)[1] for url in ours] == ["embed.js", "config"]
    visit.open_widget()
    visit.page.wait_for_load_state("networkidle")
    sizes = {url: len(gzip.compress(body)) for url, body in bodies.items() if "localhost" in url}
    # The loader, the configuration, the page in the iframe, its styles and its script.
    files = [url for url in sizes if not re.search("/live/|/(ticket|session|messages)$", url)]
    assert len(files) == 5
    assert next(size for url, size in sizes.items() if "embed" in url) <= 5 * 1024
    assert sum(sizes[url] for url in files) <= 20 * 1024
    # Tokens are random, so the size of the other responses varies.
    assert sum(sizes.values()) <= 21 * 1024
    assert visit.page.context.cookies() == []
    stored = "() => [localStorage.length, sessionStorage.length, document.cookie]"
    assert visit.page.evaluate(stored) == [0, 0, ""]
    # The browser may deny the storage to a frame of another site.
    stored_by_frame = visit.frame.locator("html").evaluate(
        "() => { try { return localStorage.length + sessionStorage.length } catch { return 0 } }"
    )
    assert stored_by_frame == 0


@pytest.mark.parametrize("owner", ["webchat", "organization"])
def test_the_widget_shows_the_icon_of_the_webchat_or_the_organization(
    visit_widget: WidgetVisit, owner: str
) -> None:
    webchat = factories.WebchatFactory.create()
    key = store_icon(webchat.organization_id)
    if owner == "webchat":
        Webchat.objects.update(icon=key)
    else:
        Organization.objects.update(default_icon=key)
    visit = visit_widget(webchat)
    expect(visit.launcher.locator("img")).to_be_visible()
    visit.open_widget()
    width = "image => image.decode().then(() => image.naturalWidth)"
    assert visit.frame.locator("img").evaluate(width) == 64
    assert visit.console == []


def test_the_launcher_shows_its_glyph_if_the_icon_is_missing(visit_widget: WidgetVisit) -> None:
    webchat = factories.WebchatFactory.create()
    key = store_icon(webchat.organization_id)
    Webchat.objects.update(icon=key)
    icon_storage().delete(key)
    visit = visit_widget(webchat)
    visit.open_widget()
    assert visit.launcher.locator("img").count() == 0
    expect(visit.frame.locator("img")).to_have_count(0)
