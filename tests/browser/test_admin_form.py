"""The form of a webchat in the admin site: live preview, snippet, stages of pipelines."""

from playwright.sync_api import FilePayload, FrameLocator, Page, expect
from pytest_django.live_server_helper import LiveServer

from organizations.models import User
from tests.browser.conftest import CustomerSites, Visitor
from tests.support import factories
from tests.support.images import image_bytes
from webchats.models import Webchat

PASSWORD = "a-long-enough-phrase"
LIST = "/admin/webchats/webchat/"
ICON = FilePayload(name="icon.png", mimeType="image/png", buffer=image_bytes())


def get_preview(page: Page) -> FrameLocator:
    """Return the frame of the preview, once it has loaded."""
    return page.frame_locator("#preview-frame iframe:not(.loading)")


def wait_for_preview(page: Page) -> None:
    """Wait until the preview has loaded, and the frame of the previous one is gone."""
    page.wait_for_load_state("networkidle")
    expect(get_preview(page).locator(".csat")).to_be_attached()
    expect(page.locator("#preview-frame iframe")).to_have_count(1)
    assert len(page.frames) == 2


def test_a_webchat_is_created_previewed_embedded_and_changed(
    visitor: Visitor, live_server: LiveServer, ada: User, sites: CustomerSites
) -> None:
    ada.set_password(PASSWORD)
    ada.save()
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
    expect(get_preview(page).get_by_text("Welcome to the shop")).to_be_visible()

    page.get_by_label("Primary color").last.fill("#0A7F3F")
    bar = get_preview(page).locator(".bar")
    expect(bar).to_have_css("background-color", "rgb(10, 127, 63)")
    picker = page.locator("input[type=color][aria-label='Pick the primary color']")
    assert picker.input_value() == "#0a7f3f"
    assert not Webchat.objects.exists()

    page.get_by_label("Icon").set_input_files(ICON)
    expect(get_preview(page).locator(".bar .icon")).to_be_visible()
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
    customer.open_widget()
    expect(customer.frame.get_by_text("Welcome to the shop")).to_be_visible()
    page.reload()
    expect(page.get_by_text("on shop.example.com")).to_be_visible()

    page.get_by_label("Starter message").fill("Winter sale!")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/webchat/")
    customer = visitor(sites.serve(html))
    customer.open_widget()
    expect(customer.frame.get_by_text("Winter sale!")).to_be_visible()


# --- The preview ---


def test_the_preview_shows_every_configured_color(admin_page: Visitor, ada: User) -> None:
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
    visit = admin_page(f"{LIST}{webchat.pk}/change/")
    page = visit.page
    for selector, style, color in (
        (".bar", "background-color", "1, 0, 0"),
        (".send", "background-color", "1, 0, 0"),
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
        expect(get_preview(page).locator(selector)).to_have_css(style, f"rgb({color})")
    # The composer is a sample, too: the preview starts no session.
    expect(get_preview(page).locator("#text")).not_to_be_editable()
    widget = [url for url in visit.requests if "/widget/" in url or "/live/widget" in url]
    styles = ("/widget/frame.", "/widget/survey.css")
    assert [url for url in widget if not any(style in url for style in styles)] == []


def test_the_color_picker_changes_the_text_field_and_the_preview(admin_page: Visitor) -> None:
    page = admin_page(f"{LIST}add/").page
    picker = page.locator("input[type=color][aria-label='Pick the secondary color']")
    picker.fill("#ff8800")
    expect(page.locator("#id_secondary_color")).to_have_value("#FF8800")
    sent = get_preview(page).locator(".message.sent").first
    expect(sent).to_have_css("background-color", "rgb(255, 136, 0)")


def test_an_invalid_field_shows_its_error_and_keeps_the_preview(admin_page: Visitor) -> None:
    page = admin_page(f"{LIST}add/").page
    page.get_by_label("Starter message").fill("Still here")
    expect(get_preview(page).get_by_text("Still here")).to_be_visible()
    page.locator("#id_primary_color").fill("red")
    messages = page.locator("#preview-messages")
    expect(messages).to_contain_text("Primary color: Enter a color as #RGB")
    expect(get_preview(page).get_by_text("Still here")).to_be_visible()


def test_the_form_warns_of_low_contrast_and_shows_canonical_domains(admin_page: Visitor) -> None:
    page = admin_page(f"{LIST}add/").page
    page.locator("#id_header_text_color").fill("#222222")
    messages = page.locator("#preview-messages")
    expect(messages).to_contain_text("Hard to read: header text on primary")
    page.locator("#id_allowed_domains").fill("HTTPS://Bücher.example/")
    expect(page.locator(".canonical")).to_contain_text("https://xn--bcher-kva.example")


def test_the_preview_can_be_closed_and_shown_in_the_width_of_a_phone(admin_page: Visitor) -> None:
    page = admin_page(f"{LIST}add/").page
    expect(get_preview(page).locator(".bar")).to_be_visible()
    page.get_by_role("button", name="Closed").click()
    expect(page.locator("#preview-frame")).to_be_hidden()
    page.get_by_role("button", name="Open", exact=True).click()
    page.get_by_role("button", name="Phone").click()
    box = page.locator("#preview-frame").bounding_box()
    assert box is not None
    assert box["width"] == 320


def test_a_sales_rep_sees_the_preview_without_the_form(admin_page: Visitor, ada: User) -> None:
    hostile = '"></iframe><img src=x onerror=alert(1)>'
    webchat = factories.WebchatFactory.create(user=ada, starter_message=hostile)
    User.objects.filter(pk=ada.pk).update(access_role="SALES_REP")
    visit = admin_page(f"{LIST}{webchat.pk}/change/")
    expect(visit.page.locator("#id_name")).to_have_count(0)
    preview = get_preview(visit.page)
    expect(preview.get_by_text(hostile)).to_be_visible()
    expect(preview.locator(".bar")).to_have_css("background-color", "rgb(31, 41, 55)")
    assert visit.problems == []


def test_the_closed_preview_shows_the_icon_and_colors_of_the_launcher(admin_page: Visitor) -> None:
    page = admin_page(f"{LIST}add/").page
    page.get_by_role("button", name="Closed").click()
    expect(page.locator("#preview-launcher .glyph")).to_be_visible()
    page.get_by_label("Icon").set_input_files(ICON)
    expect(page.locator("#preview-launcher .glyph")).to_be_hidden()
    image = page.locator("#preview-launcher image")
    assert (image.get_attribute("href") or "").startswith("data:image/png")
    page.locator("#id_primary_color").fill("#FDE68A")
    expect(page.locator("#preview-launcher circle")).to_have_attribute("fill", "#FDE68A")
    expect(page.locator("#preview-launcher")).to_have_attribute("stroke", "#000000")


# --- Pipelines and stages ---


def test_only_the_stages_of_the_selected_pipeline_are_offered(
    admin_page: Visitor, ada: User
) -> None:
    for name in ("Sales", "Support"):
        pipeline = factories.PipelineFactory.create(organization=ada.organization, name=name)
        factories.StageFactory.create(pipeline=pipeline, name=f"{name} stage")
    page = admin_page(f"{LIST}add/").page
    options = page.locator("#id_pipeline_stage option")
    expect(options).to_have_text(["None"])
    page.get_by_label("Pipeline", exact=True).select_option(label="Support")
    expect(options).to_have_text(["None", "Support stage"])


def test_stages_are_reordered_by_buttons(admin_page: Visitor, ada: User) -> None:
    pipeline = factories.PipelineFactory.create(organization=ada.organization)
    for position, name in enumerate(["First", "Second"]):
        factories.StageFactory.create(pipeline=pipeline, name=name, position=position)
    page = admin_page(f"/admin/organizations/pipeline/{pipeline.pk}/change/").page
    page.get_by_role("button", name="Move down").first.click()
    page.get_by_text("Add another Stage").click()
    page.locator("#id_stages-2-name").fill("Third")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/pipeline/")
    assert [stage.name for stage in pipeline.stages.all()] == ["Second", "First", "Third"]
