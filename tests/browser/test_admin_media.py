"""The admin site in forced colors, in print and in narrow windows."""

import pytest
from playwright.sync_api import ViewportSize, expect

from organizations.models import Stage, User
from tests.browser.axe import violations
from tests.browser.conftest import REDUCED_MOTION, Visitor
from tests.browser.test_admin_form import LIST
from tests.support import factories
from webchats.models import Webchat


@pytest.fixture
def webchat(ada: User) -> Webchat:
    return factories.WebchatFactory.create(user=ada)


@pytest.fixture
def stage(ada: User) -> Stage:
    return factories.StageFactory.create(pipeline__organization=ada.organization)


def test_both_buttons_of_the_delete_page_are_whole(admin_page: Visitor, webchat: Webchat) -> None:
    visit = admin_page(f"{LIST}{webchat.pk}/delete/")
    main = visit.page.get_by_role("main")
    delete = main.get_by_role("button", name="Delete").bounding_box()
    cancel = main.get_by_role("link", name="Cancel")
    box = cancel.bounding_box()
    assert delete is not None
    assert box is not None
    assert (box["y"], box["height"]) == (delete["y"], delete["height"])
    # A text that is higher than the button would be cut.
    assert cancel.evaluate("link => link.scrollHeight <= link.clientHeight")
    cancel.click()
    expect(visit.page).to_have_url("about:blank")


def test_switches_and_the_save_button_are_visible_in_forced_colors(
    admin_page: Visitor, webchat: Webchat
) -> None:
    visit = admin_page(f"{LIST}{webchat.pk}/change/", **REDUCED_MOTION, forced_colors="active")
    expect(visit.page.get_by_role("checkbox", name="Enabled")).to_have_css("appearance", "auto")
    save = visit.page.get_by_role("button", name="Save", exact=True)
    expect(save).to_have_css("border-top-width", "3px")
    expect(save).to_have_css("border-top-style", "solid")
    pressed = visit.page.get_by_role("button", name="Open", exact=True)
    expect(pressed).to_have_css("outline-style", "solid")


def test_print_contains_the_content_only_and_is_light(
    admin_page: Visitor, webchat: Webchat
) -> None:
    visit = admin_page(f"{LIST}{webchat.pk}/change/", color_scheme="dark")
    visit.page.emulate_media(media="print", color_scheme="dark")
    expect(visit.page.locator("#id_name")).to_be_visible()
    for selector in ("#side", ".breadcrumbs", ".submit-row", "#preview", ".object-tools"):
        expect(visit.page.locator(selector).first).to_be_hidden()
    expect(visit.page.locator("html")).to_have_css("color-scheme", "light")
    visit.page.goto(visit.page.url.replace(f"{webchat.pk}/change/", ""))
    expect(visit.page.get_by_text(webchat.name)).to_be_visible()
    for selector in ("#toolbar", ".actions", ".action-checkbox"):
        expect(visit.page.locator(selector).first).to_be_hidden()


@pytest.mark.parametrize("width", [320, 768, 1100])
def test_stages_of_a_pipeline_fit_into_the_window(
    admin_page: Visitor, stage: Stage, width: int
) -> None:
    viewport = ViewportSize(width=width, height=900)
    path = f"/admin/organizations/pipeline/{stage.pipeline_id}/change/"
    visit = admin_page(path, **REDUCED_MOTION, viewport=viewport)
    visit.page.get_by_text("Add another Stage").click()
    stages = visit.page.get_by_role("group", name="Stages")
    assert stages.evaluate("group => group.scrollWidth <= group.clientWidth")
    assert visit.page.evaluate("document.documentElement.scrollWidth") == width
    expect(visit.page.locator(".empty-form")).to_be_hidden()
    assert violations(visit.page) == []
