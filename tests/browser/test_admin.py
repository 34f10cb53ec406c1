"""The staff's pages in a real browser: what they do, and that nothing on them is blocked."""

import io
from importlib.resources import files
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from PIL import Image
from playwright.sync_api import FilePayload, FrameLocator, Page, expect

from organizations.models import User
from tests.browser.conftest import HOSTILE, CustomerSites, Visit, Visitor
from tests.support import factories
from tests.webchats.imports.files import csv_of
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
    return page.frame_locator("#preview-frame iframe:not(.loading)")


def _violations(page: Page) -> list[str]:
    """In the page, and in the preview, which is of another origin and so looked at by itself."""
    found: list[str] = []
    for frame in page.frames:
        frame.evaluate(AXE)
        rules = frame.evaluate("axe.run({iframes: false}).then(result => result.violations)")
        found += (f"{rule['id']}: {[node['html'] for node in rule['nodes']][:5]}" for rule in rules)
    return found


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
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Add webchat").click()

    page.get_by_label("Name", exact=False).first.fill("Shop")
    page.get_by_label("Starter message").fill("Welcome to the shop")
    expect(_preview(page).get_by_text("Welcome to the shop")).to_be_visible()

    page.get_by_label("Primary color").last.fill("#0A7F3F")
    bar = _preview(page).locator(".bar")
    expect(bar).to_have_css("background-color", "rgb(10, 127, 63)")
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
    expect(page.get_by_alt_text("Current icon")).to_be_visible()
    assert visit.console == []

    html = f'<!DOCTYPE html><html lang="en"><title>Shop</title><body><h1>Shop</h1>{snippet}'
    customer = visitor(sites.serve(html))
    customer.open()
    expect(customer.frame.get_by_text("Welcome to the shop")).to_be_visible()
    page.reload()
    expect(page.get_by_text("on shop.example.com")).to_be_visible()

    page.get_by_label("Starter message").fill("Winter sale!")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/webchat/")
    customer = visitor(sites.serve(html))
    customer.open()
    expect(customer.frame.get_by_text("Winter sale!")).to_be_visible()


def test_every_colour_is_seen_where_its_field_says(staff: Any, ada: User) -> None:
    webchat = factories.WebchatFactory.create(
        user=ada,
        status_text="Within minutes",
        csat_thank_you_message="Thank you",
        primary_color="#010000",
        header_text_color="#FE0000",
        secondary_color="#020000",
        timestamp_color="#FD0000",
        background_color="#FFFFFE",
        status_text_color="#FC0000",
        csat_background_color="#FB0000",
        csat_text_color="#030000",
    )
    page = staff(f"{LIST}{webchat.pk}/change/").page
    page.wait_for_load_state("networkidle")
    for selector, style, shown in (
        (".bar", "background-color", "1, 0, 0"),
        ("h1", "color", "254, 0, 0"),
        (".status", "color", "252, 0, 0"),
        (".panel", "background-color", "255, 255, 254"),
        (".stamp >> nth=0", "color", "253, 0, 0"),
        (".message.sent >> nth=0", "background-color", "2, 0, 0"),
        (".message.sent >> nth=0", "color", "255, 255, 255"),
        (".csat", "background-color", "251, 0, 0"),
        (".csat .question", "color", "3, 0, 0"),
        (".csat .thanks", "color", "3, 0, 0"),
    ):
        expect(_preview(page).locator(selector)).to_have_css(style, f"rgb({shown})")


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
    expect(page.locator("#preview-messages")).to_contain_text(
        "Primary color: Enter a color as #RGB"
    )
    expect(_preview(page).get_by_text("Still here")).to_be_visible()


def test_the_preview_warns_of_low_contrast_and_tells_canonical_domains(staff: Any) -> None:
    page = staff(f"{LIST}add/").page
    page.locator("#id_header_text_color").fill("#222222")
    expect(page.locator("#preview-messages")).to_contain_text(
        "Hard to read: header text on primary"
    )
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


def test_who_may_only_look_sees_the_picture_too(staff: Any, ada: User) -> None:
    hostile = '"></iframe><img src=x onerror=alert(1)>'
    webchat = factories.WebchatFactory.create(user=ada, starter_message=hostile)
    User.objects.filter(pk=ada.pk).update(access_role="SALES_REP")
    visit = staff(f"{LIST}{webchat.pk}/change/")
    expect(visit.page.locator("#id_name")).to_have_count(0)
    expect(_preview(visit.page).get_by_text(hostile)).to_be_visible()
    expect(_preview(visit.page).locator(".bar")).to_have_css("background-color", "rgb(31, 41, 55)")
    assert _wrongs(visit) == []


def test_the_closed_preview_shows_the_icon_as_the_launcher_will(staff: Any) -> None:
    page = staff(f"{LIST}add/").page
    page.get_by_role("button", name="Closed").click()
    expect(page.locator("#preview-launcher .glyph")).to_be_visible()
    icon = FilePayload(name="icon.png", mimeType="image/png", buffer=_png())
    page.get_by_label("Icon").set_input_files(icon)
    expect(page.locator("#preview-launcher .glyph")).to_be_hidden()
    shown = page.locator("#preview-launcher image")
    assert (shown.get_attribute("href") or "").startswith("data:image/png")
    page.locator("#id_primary_color").fill("#FDE68A")
    expect(page.locator("#preview-launcher circle")).to_have_attribute("fill", "#FDE68A")
    expect(page.locator("#preview-launcher")).to_have_attribute("stroke", "#000000")


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
    page.get_by_label("Skip invalid rows").check()
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_role("row", name="3 backgroundColor Enter a color")).to_be_visible()
    assert not Webchat.objects.exists()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("link", name="Moved in")).to_be_visible()
    assert _wrongs(visit) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_staff_s_pages(staff: Any, ada: User, scheme: str) -> None:
    stage = factories.StageFactory.create(pipeline__organization=ada.organization)
    rows = {
        "user": ada,
        "pipeline": stage.pipeline,
        "initial_stage": stage.name,
        "timestamp_color": "#4B5563",  # the default is one that the form warns of
    }
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
            visit.page.wait_for_load_state("networkidle")
            expect(_preview(visit.page).locator(".csat")).to_be_attached()
            expect(visit.page.locator("#preview-frame iframe")).to_have_count(1)
            assert len(visit.page.frames) == 2
        found[path] = _violations(visit.page)
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.page.goto(origin + LIST)
    found["list on a phone"] = _violations(visit.page)
    visit.page.context.clear_cookies()
    visit.page.goto(origin + "/admin/login/")
    found["sign-in"] = _violations(visit.page)
    assert {path: said for path, said in found.items() if said} == {}


@pytest.mark.parametrize("text", HOSTILE, ids=["script", "img", "bidi", "emoji", "long"])
def test_hostile_texts_are_text_in_the_list_and_the_preview(
    staff: Any, ada: User, text: str
) -> None:
    organization = ada.organization
    assert organization is not None
    organization.assistant_name = text[:120]
    organization.save()
    factories.WebchatFactory.create(
        user=ada,
        name=text[:120],
        description=text,
        starter_message=text,
        status_text=text[:200],
        csat_thank_you_message=text[:500],
        initial_stage=text[:120],
        prompt=factories.PromptFactory.create(organization=organization, name=text[:120]),
        pipeline=factories.PipelineFactory.create(organization=organization, name=text[:120]),
    )
    visit = staff("/admin/")
    page = visit.page
    titles = [page.title()]
    page.goto(page.url.replace("/admin/", LIST))
    titles.append(page.title())
    for column in ("name", "prompt", "pipeline"):
        cell = page.locator(f"#result_list .field-{column}")
        assert cell.evaluate("cell => cell.textContent.trim()") == text[:120]
    page.locator("#result_list .field-name a").click()
    titles.append(page.title())
    read = "element => element.textContent"
    page.wait_for_load_state("networkidle")
    for selector, shown in (("h1", text[:120]), (".status", text[:200])):
        assert _preview(page).locator(selector).evaluate(read) == shown
    assert _preview(page).locator(".message").first.evaluate(read) == text
    assert text[:500] in _preview(page).locator(".csat").evaluate(read)
    page.get_by_label("Starter message").fill(f"!{text}"[:1000])
    changed = _preview(page).locator(".message").first
    expect(changed).to_have_js_property("textContent", f"!{text}"[:1000])
    assert not any("owned" in title and "<" not in title for title in titles)
    assert page.locator("img[src=x]").count() == 0
    assert _preview(page).locator("img").count() == 0
    assert _wrongs(visit) == []


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
