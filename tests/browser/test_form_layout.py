"""The form of a webchat on screens of all widths: sections, errors, and the preview as a sheet."""

import pytest
from playwright.sync_api import Page, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from organizations.models import User
from tests.browser.axe import violations
from tests.browser.conftest import REDUCED_MOTION, Visitor, authenticated
from tests.browser.test_admin_form import LIST, get_preview, wait_for_preview
from tests.support import factories
from webchats.models import Webchat

TABLET = ViewportSize(width=1024, height=768)
PHONE = ViewportSize(width=390, height=844)


@pytest.fixture
def webchat(ada: User) -> Webchat:
    """A stored webchat with readable colors."""
    return factories.WebchatFactory.create(user=ada, name="Shop", timestamp_color="#4B5563")


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()


def test_first_invalid_field_has_the_focus_and_each_error_is_linked(
    admin_page: Visitor, webchat: Webchat
) -> None:
    visit = admin_page(f"{LIST}{webchat.pk}/change/", **REDUCED_MOTION)
    page = visit.page
    page.locator("#id_offset_x").fill("999")
    page.locator("#id_allowed_domains").fill("foo")
    save(page)
    domains = page.get_by_label("Allowed domains")
    expect(domains).to_be_focused()
    expect(domains).to_be_in_viewport()
    expect(page.get_by_role("link", name="Placement 1 error")).to_be_in_viewport()
    wait_for_preview(page)
    assert visit.problems == []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == []
    summary = page.get_by_role("alert")
    expect(summary).to_contain_text("Please correct 2 errors")
    summary.get_by_role("link", name="Horizontal offset").click()
    expect(page.locator("#id_offset_x")).to_be_focused()
    expect(page.locator("#id_offset_x")).to_be_in_viewport()
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_links_lead_to_the_sections_and_mark_the_current_one(
    admin_page: Visitor, webchat: Webchat
) -> None:
    page = admin_page(f"{LIST}{webchat.pk}/change/", **REDUCED_MOTION).page
    for viewport in (ViewportSize(width=1400, height=900), PHONE):
        page.set_viewport_size(viewport)
        for name in ("Availability", "Identity"):
            link = page.get_by_role("navigation", name="Sections").get_by_role("link", name=name)
            link.click()
            heading = page.get_by_role("heading", name=name, exact=True)
            expect(heading).to_be_in_viewport()
            bar, box = page.locator(".form-bar").bounding_box(), heading.bounding_box()
            assert bar is not None
            assert box is not None
            assert bar["y"] + bar["height"] <= box["y"]
            expect(link).to_have_attribute("aria-current", "true")


@pytest.mark.parametrize("viewport", [TABLET, PHONE], ids=["tablet", "phone"])
def test_preview_is_a_sheet_on_narrow_screens(
    admin_page: Visitor, webchat: Webchat, viewport: ViewportSize
) -> None:
    visit = admin_page(f"{LIST}{webchat.pk}/change/", viewport=viewport, **REDUCED_MOTION)
    page = visit.page
    wait_for_preview(page)
    panel = page.locator("#preview")
    expect(panel).to_be_hidden()
    page.get_by_label("Status text", exact=True).fill("Right now")
    button = page.get_by_role("button", name="Preview", exact=True)
    expect(button).to_be_in_viewport()
    button.click()
    expect(panel).to_be_in_viewport(ratio=0.9)
    expect(get_preview(page).get_by_text("Right now")).to_be_visible()
    expect(page.locator("#preview-frame iframe")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert visit.problems == []
    assert violations(page) == []
    panel.get_by_role("button", name="Close", exact=True).click()
    expect(panel).to_be_hidden()
    button.click()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()


def test_preview_without_a_rendering_shows_the_missing_values(
    visitor: Visitor, live_server: LiveServer
) -> None:
    root = factories.SuperuserFactory.create()
    organization = factories.OrganizationFactory.create(name="Example")
    page = authenticated(visitor, live_server, root)(f"{LIST}add/").page
    notice = page.locator("#preview-notice")
    expect(notice).to_have_text("Select an organization to see the preview.")
    page.locator("#id_primary_color").fill("red")
    page.locator("#id_organization").select_option(organization.pk)
    expect(notice).to_have_text("To see the preview, correct these fields: Primary color.")
    assert violations(page) == []
    page.locator("#id_primary_color").fill("#112233")
    expect(get_preview(page).locator(".bar")).to_be_visible()
    expect(notice).to_be_hidden()


def test_empty_list_of_domains_shows_a_warning_while_it_is_empty(
    admin_page: Visitor, webchat: Webchat
) -> None:
    page = admin_page(f"{LIST}{webchat.pk}/change/").page
    warning = page.get_by_text("Every site can embed this webchat")
    domains = page.get_by_label("Allowed domains")
    domains.fill("a.example")
    expect(warning).to_be_hidden()
    domains.fill(" \n ")
    expect(warning).to_be_visible()
