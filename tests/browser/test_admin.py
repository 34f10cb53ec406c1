"""The staff's pages in a real browser: what they do, and that nothing on them is blocked."""

import io
import time
from importlib.resources import files
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from PIL import Image
from playwright.sync_api import FilePayload, FrameLocator, Page, expect

from organizations.models import User
from tests import factories
from tests.browser.conftest import CustomerSites, Visit, Visitor
from tests.webchats.transfer_rows import csv_of
from webchats.models import Webchat

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
PASSWORD = "a-long-enough-phrase"
LIST = "/admin/webchats/webchat/"


@pytest.fixture
def ada(live_server: Any) -> User:
    """An administrator with a password."""
    user: User = factories.UserFactory.create(
        email="ada@example.com", full_name="Ada", password=PASSWORD
    )
    return user


@pytest.fixture
def staff(visitor: Visitor, live_server: Any, ada: User) -> Any:
    """``staff(path)`` is Ada, signed in, on a page of the staff's site."""
    client = Client()
    client.force_login(ada)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value

    def go(path: str, **options: Any) -> Visit:
        visit = visitor("about:blank", **{"viewport": {"width": 1400, "height": 900}, **options})
        visit.page.context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
        )
        visit.page.goto(live_server.url + path)
        return visit

    return go


def _png() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (40, 40), "#ff0000").save(content, "PNG")
    return content.getvalue()


def _preview(page: Page) -> FrameLocator:
    return page.frame_locator("#preview-frame iframe:not(.coming)")


def _violations(page: Page) -> list[str]:
    page.evaluate(AXE)
    found = page.evaluate("axe.run({iframes: false}).then(result => result.violations)")
    return [f"{rule['id']}: {[node['html'] for node in rule['nodes']][:5]}" for rule in found]


def _wrongs(visit: Visit) -> list[str]:
    """What was blocked, missing or thrown; the browser's advice on forms is not asked."""
    signs = ("Content Security Policy", "Failed to load", "uncaught")
    return [line for line in visit.console if any(sign in line for sign in signs)]


def test_the_console_tells_of_a_breach_of_the_policy(staff: Any) -> None:
    visit = staff("/admin/")
    visit.page.evaluate("document.body.setAttribute('onclick', 'alert(1)')")
    assert len(_wrongs(visit)) == 1


def test_staff_sign_in_make_a_webchat_watch_it_change_and_put_it_on_a_site(
    visitor: Visitor, live_server: Any, ada: User, sites: CustomerSites
) -> None:
    factories.PromptFactory.create(organization=ada.organization, name="Friendly")
    visit = visitor(f"{live_server.url}/admin/", viewport={"width": 1400, "height": 900})
    page = visit.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Add webchat").click()

    page.get_by_label("Name", exact=False).first.fill("Shop")
    page.get_by_label("Starter message").fill("Welcome to the shop")
    expect(_preview(page).get_by_text("Welcome to the shop")).to_be_visible()

    bar = _preview(page).locator(".bar")
    took = []
    for text, shown in (
        ("#B00020", "176, 0, 32"),
        ("#123", "17, 34, 51"),
        ("#0A7F3F", "10, 127, 63"),
    ):
        started = time.monotonic()
        page.get_by_label("Primary color").last.fill(text)
        expect(bar).to_have_css("background-color", f"rgb({shown})")
        took.append(time.monotonic() - started)
    # The quickest of three: the others may have waited for a busy machine.
    assert min(took) < 1
    assert page.locator("input[type=color][aria-label='Pick the primary color']").input_value() == (
        "#0a7f3f"
    )
    assert not Webchat.objects.exists()

    icon = FilePayload(name="icon.png", mimeType="image/png", buffer=_png())
    page.get_by_label("Icon").set_input_files(icon)
    expect(_preview(page).locator(".bar .icon")).to_be_visible()
    page.get_by_label("Prompt").select_option(label="Friendly")
    page.get_by_role("button", name="Save and continue editing").click()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    snippet = page.evaluate("navigator.clipboard.readText()")
    webchat = Webchat.objects.get()
    assert webchat.pk in snippet
    assert webchat.primary_color == "#0A7F3F"
    assert webchat.icon
    expect(page.get_by_alt_text("The icon now")).to_be_visible()
    assert visit.console == []

    html = f'<!DOCTYPE html><html lang="en"><title>Shop</title><body><h1>Shop</h1>{snippet}'
    customer = visitor(sites.serve(html))
    customer.open()
    expect(customer.frame.get_by_text("Welcome to the shop")).to_be_visible()
    page.reload()
    expect(page.get_by_text("on shop.example.com")).to_be_visible()


def test_the_picker_and_the_text_of_a_colour_are_in_step(staff: Any) -> None:
    page = staff(f"{LIST}add/").page
    picker = page.locator("input[type=color][aria-label='Pick the secondary color']")
    picker.fill("#ff8800")
    expect(page.locator("#id_secondary_color")).to_have_value("#FF8800")
    sent = _preview(page).locator(".message.sent").first
    expect(sent).to_have_css("background-color", "rgb(255, 136, 0)")


def test_an_invalid_field_keeps_the_last_picture_and_says_what_is_wrong(staff: Any) -> None:
    page = staff(f"{LIST}add/").page
    page.get_by_label("Starter message").fill("Still here")
    expect(_preview(page).get_by_text("Still here")).to_be_visible()
    page.locator("#id_primary_color").fill("red")
    expect(page.locator("#preview-says")).to_contain_text("Primary color: Enter a colour as #RGB")
    expect(_preview(page).get_by_text("Still here")).to_be_visible()


def test_the_preview_warns_of_low_contrast_and_tells_canonical_domains(staff: Any) -> None:
    page = staff(f"{LIST}add/").page
    page.locator("#id_header_text_color").fill("#222222")
    expect(page.locator("#preview-says")).to_contain_text("Hard to read: header text on primary")
    page.locator("#id_allowed_domains").fill("HTTPS://Bücher.example/")
    expect(page.locator(".canonical")).to_contain_text("https://xn--bcher-kva.example")


def test_the_preview_can_be_closed_and_made_a_phone(staff: Any) -> None:
    page = staff(f"{LIST}add/").page
    expect(_preview(page).locator(".bar")).to_be_visible()
    page.get_by_role("button", name="Closed").click()
    expect(page.locator("#preview-frame")).to_be_hidden()
    page.get_by_role("button", name="Open", exact=True).click()
    page.get_by_role("button", name="Phone").click()
    box = page.locator("#preview-frame").bounding_box()
    assert box["width"] == 320


def test_stages_are_those_of_the_chosen_pipeline(staff: Any, ada: User) -> None:
    for name in ("Sales", "Support"):
        pipeline = factories.PipelineFactory.create(organization=ada.organization, name=name)
        factories.StageFactory.create(pipeline=pipeline, name=f"{name} stage")
    page = staff(f"{LIST}add/").page
    offered = page.locator("#id_pipeline_stage option")
    expect(offered).to_have_text(["None"])
    page.get_by_label("Pipeline", exact=True).select_option(label="Support")
    expect(offered).to_have_text(["None", "Support stage"])


def test_stages_are_ordered_by_their_buttons(staff: Any, ada: User) -> None:
    pipeline = factories.PipelineFactory.create(organization=ada.organization)
    for place, name in enumerate(["First", "Second"]):
        factories.StageFactory.create(pipeline=pipeline, name=name, position=place)
    page = staff(f"/admin/organizations/pipeline/{pipeline.pk}/change/").page
    page.get_by_role("button", name="Move down").first.click()
    page.get_by_text("Add another Stage").click()
    page.locator("#id_stages-2-name").fill("Third")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/pipeline/")
    assert [stage.name for stage in pipeline.stages.all()] == ["Second", "First", "Third"]


def test_no_page_is_touched_by_its_strict_policy(staff: Any, ada: User) -> None:
    webchat = factories.WebchatFactory.create(user=ada)
    pipeline = factories.PipelineFactory.create(organization=ada.organization)
    visit = staff("/admin/")
    paths = [
        *(f"{LIST}{page}" for page in ("", "?is_enabled__exact=1", "add/")),
        *(f"{LIST}{webchat.pk}/{page}/" for page in ("change", "history", "delete")),
        f"/admin/organizations/pipeline/{pipeline.pk}/change/",
        "/admin/organizations/user/add/",
        f"/admin/organizations/user/{ada.pk}/password/",
        "/admin/organizations/user/",
        "/admin/organizations/apikey/add/",
        "/admin/organizations/prompt/add/",
        "/admin/password_change/",
    ]
    for path in paths:
        visit.page.goto(visit.page.url.split("/admin/")[0] + path)
        visit.page.wait_for_load_state("networkidle")
        assert _wrongs(visit) == [], path


def test_a_file_is_checked_and_then_imported(staff: Any, ada: User) -> None:
    factories.PromptFactory.create(organization=ada.organization, name="Sales")
    visit = staff(LIST)
    page = visit.page
    page.get_by_role("link", name="Import", exact=True).click()
    rows = csv_of({"name": "Moved in"}, {"backgroundColor": "reddish"})
    file = FilePayload(name="in.csv", mimeType="text/csv", buffer=rows.encode())
    page.get_by_label("File").set_input_files(file)
    page.get_by_label("Skip bad rows").check()
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_role("row", name="3 backgroundColor Enter a colour")).to_be_visible()
    assert not Webchat.objects.exists()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("link", name="Moved in")).to_be_visible()
    assert _wrongs(visit) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_staff_s_pages(staff: Any, ada: User, scheme: str) -> None:
    stage = factories.StageFactory.create(pipeline__organization=ada.organization)
    rows = {"user": ada, "pipeline": stage.pipeline, "initial_stage": stage.name}
    webchat = factories.WebchatFactory.create(**rows, is_autopilot=True)
    factories.WebchatFactory.create(
        **rows, is_enabled=False, allowed_domains=["a.example", "b.example"]
    )
    visit = staff("/admin/", color_scheme=scheme, reduced_motion="reduce")
    origin = visit.page.url.split("/admin/")[0]
    paths = [
        "/admin/",
        LIST,
        f"{LIST}?is_enabled__exact=1",
        f"{LIST}{webchat.pk}/change/",
        f"{LIST}{webchat.pk}/history/",
        f"{LIST}{webchat.pk}/delete/",
        f"{LIST}import/",
        "/admin/webchats/importrecord/",
        f"/admin/organizations/pipeline/{stage.pipeline.pk}/change/",
        "/admin/organizations/user/add/",
        "/admin/organizations/apikey/",
        "/admin/organizations/apikey/add/",
    ]
    found = {}
    for path in paths:
        visit.page.goto(origin + path)
        if path.endswith("/change/") and path.startswith(LIST):
            expect(_preview(visit.page).locator(".bar")).to_be_visible()
        found[path] = _violations(visit.page)
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.page.goto(origin + LIST)
    found["list on a phone"] = _violations(visit.page)
    visit.page.context.clear_cookies()
    visit.page.goto(origin + "/admin/login/")
    found["sign-in"] = _violations(visit.page)
    assert {path: said for path, said in found.items() if said} == {}


def test_hostile_texts_are_text_in_the_list_and_the_preview(staff: Any, ada: User) -> None:
    hostile = '</script><script>alert(1)</script>"><img src=x onerror=alert(1)>'
    webchat = factories.WebchatFactory.create(
        user=ada, name=hostile, starter_message=hostile, status_text=hostile
    )
    visit = staff(LIST)
    dialogs: list[str] = []
    visit.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    visit.page.get_by_role("link", name=hostile).click()
    expect(_preview(visit.page).get_by_text(hostile)).to_have_count(2)
    visit.page.get_by_label("Starter message").fill(f"Changed {hostile}")
    expect(_preview(visit.page).get_by_text(f"Changed {hostile}")).to_be_visible()
    assert dialogs == []
    assert visit.console == []
    assert webchat.pk in visit.page.url


def test_on_a_phone_rows_are_cards_and_nothing_is_wider_than_the_screen(
    staff: Any, ada: User
) -> None:
    webchat = factories.WebchatFactory.create(
        user=ada, name="w" * 120, allowed_domains=["a.example"]
    )
    visit = staff(LIST, viewport={"width": 390, "height": 844})
    origin = visit.page.url.split("/admin/")[0]
    expect(visit.page.locator("#result_list .field-state")).to_have_attribute("data-label", "State")
    for path in ("/admin/", LIST, f"{LIST}{webchat.pk}/change/", f"{LIST}{webchat.pk}/history/"):
        visit.page.goto(origin + path)
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390, path
    visit.page.get_by_role("button", name="Menu").click()
    expect(visit.page.get_by_role("link", name="Pipelines")).to_be_visible()
