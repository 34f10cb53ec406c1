"""The pages of the admin site in a browser: accessibility, CSP, escaping, phones, imports."""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import FilePayload, Page, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from organizations.models import Stage, User
from tests.browser.axe import violations
from tests.browser.conftest import HOSTILE_STRINGS, REDUCED_MOTION, Visit, Visitor
from tests.browser.test_admin_form import LIST, get_preview, wait_for_preview
from tests.organizations.admin.test_ai_usage import add_call
from tests.support import factories
from tests.support.report_data import create_conversations
from tests.webchats.imports.files import to_csv
from webchats.conversations import services
from webchats.models import Webchat

PHONE = ViewportSize(width=390, height=844)


@pytest.fixture
def stage(ada: User) -> Stage:
    """A stage of a pipeline of Ada's organization."""
    return factories.StageFactory.create(pipeline__organization=ada.organization)


@pytest.fixture
def webchat(ada: User, stage: Stage) -> Webchat:
    """The first of two webchats, with autopilot; the second is disabled."""
    shared = {
        "user": ada,
        "pipeline": stage.pipeline,
        "initial_stage": stage.name,
        "timestamp_color": "#4B5563",  # The default has too little contrast.
    }
    domains = ["a.example", "b.example"]
    factories.WebchatFactory.create(**shared, is_enabled=False, allowed_domains=domains)
    return factories.WebchatFactory.create(**shared, is_autopilot=True)


def visit_pages(visit: Visit, origin: str, paths: list[str]) -> dict[str, list[str]]:
    """Return the console errors and axe violations, in light and in dark mode, by path."""
    found: dict[str, list[str]] = {}
    for path in paths:
        visit.page.emulate_media(color_scheme="light")
        visit.page.goto(origin + path)
        if path.startswith(LIST) and path.endswith("/change/"):
            wait_for_preview(visit.page)
        # Wait for the console messages of the page, before axe-core causes others.
        visit.page.evaluate("0")
        found[path] = [*visit.problems, *violations(visit.page)]
        visit.page.emulate_media(color_scheme="dark")
        found[path] += violations(visit.page)
        # Requests that leaving the page aborts are no problems of the next one.
        visit.page.goto("about:blank")
        visit.page.evaluate("0")
        visit.console.clear()
    return found


def drop_empty(found: dict[str, list[str]]) -> dict[str, list[str]]:
    return {path: problems for path, problems in found.items() if problems}


def test_pages_of_webchats_have_no_accessibility_or_csp_violation(
    admin_page: Visitor, live_server: LiveServer, webchat: Webchat
) -> None:
    contact, other = factories.ContactFactory.create_batch(2, webchat=webchat, phone="0123456")
    merged = factories.ContactFactory.create(webchat=webchat)
    services.merge_contacts(kept=contact, removed=merged, user=webchat.user)
    erasure = factories.ErasureFactory.create(organization=webchat.organization)
    begin = datetime(2030, 5, 6, tzinfo=UTC)
    prompt = webchat.prompt
    create_conversations([webchat], [webchat.user], prompt, first=begin, days=7, count=20)
    # The preview of a new webchat has the default color of timestamps, with too little contrast.
    visit = admin_page(f"{LIST}add/", **REDUCED_MOTION)
    wait_for_preview(visit.page)
    assert visit.problems == []
    paths = [
        "/admin/",
        *(f"{LIST}{page}" for page in ("", "?is_enabled__exact=1", "import/")),
        *(
            f"{LIST}{webchat.pk}/{page}/"
            for page in ("change", "history", "delete", "end-sessions")
        ),
        "/admin/webchats/importrecord/",
        "/admin/reports/?from=2030-05-06&to=2030-05-12",
        "/admin/reports/conversations/?from=2030-05-06&to=2030-05-12&key=conversations",
        "/admin/conversations/contact/",
        f"/admin/conversations/contact/{contact.pk}/change/",
        f"/admin/conversations/contact/{contact.pk}/merge/?q=contact",
        f"/admin/conversations/contact/{contact.pk}/merge/?with={other.pk}",
        f"/admin/contacts/board/{contact.pk}/move/",
        f"/admin/privacy/contacts/{contact.pk}/erase/",
        f"/admin/privacy/erasures/{erasure.pk}/",
        "/admin/conversations/erasure/",
    ]
    found = visit_pages(visit, live_server.url, paths)
    visit.page.set_viewport_size(PHONE)
    found["list on a phone"] = visit_pages(visit, live_server.url, [LIST])[LIST]
    assert drop_empty(found) == {}


def test_pages_of_organizations_have_no_accessibility_or_csp_violation(
    admin_page: Visitor, live_server: LiveServer, ada: User, stage: Stage
) -> None:
    prompt = factories.PromptFactory.create(organization=ada.organization)
    add_call(ada, "Sales", tokens=1_000)
    visit = admin_page("/admin/", **REDUCED_MOTION)
    paths = [
        "/admin/organizations/prompt/add/",
        f"/admin/organizations/pipeline/{stage.pipeline.pk}/change/",
        "/admin/organizations/user/",
        "/admin/organizations/user/add/",
        f"/admin/organizations/user/{ada.pk}/password/",
        "/admin/organizations/apikey/",
        "/admin/organizations/apikey/add/",
        f"/admin/organizations/prompt/{prompt.pk}/change/",
        "/admin/organizations/prompt/usage/",
        "/admin/password_change/",
    ]
    found = visit_pages(visit, live_server.url, paths)
    visit.page.context.clear_cookies()
    found |= visit_pages(visit, live_server.url, ["/admin/login/"])
    assert drop_empty(found) == {}


def test_a_csp_violation_is_found_in_the_console(admin_page: Visitor) -> None:
    visit = admin_page("/admin/")
    visit.page.evaluate("document.body.setAttribute('onclick', 'alert(1)')")
    assert len(visit.problems) == 1


def test_a_file_is_checked_and_then_imported(admin_page: Visitor, ada: User) -> None:
    factories.PromptFactory.create(organization=ada.organization, name="Sales")
    visit = admin_page(LIST)
    page = visit.page
    page.get_by_role("link", name="Import", exact=True).click()
    rows = to_csv({"name": "Moved in"}, {"backgroundColor": "reddish"})
    file = FilePayload(name="in.csv", mimeType="text/csv", buffer=rows.encode())
    page.get_by_label("File").set_input_files(file)
    page.get_by_label("Skip invalid rows").check()
    page.locator("[data-max-bytes]").evaluate("input => { input.dataset.maxBytes = 9 }")
    page.get_by_role("button", name="Check the file").click()
    message = page.get_by_label("File").evaluate("input => input.validationMessage")
    assert message == "The file is larger than 11\xa0MB. Split it into smaller files."
    page.locator("[data-max-bytes]").evaluate("input => { input.dataset.maxBytes = 9999 }")
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_role("row", name="3 backgroundColor Enter a color")).to_be_visible()
    assert not Webchat.objects.exists()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("link", name="Moved in")).to_be_visible()
    page.get_by_role("link", name="Import", exact=True).click()
    _drop_file(page, to_csv({"_id": Webchat.objects.get().pk, "name": "Moved on"}, more=("_id",)))
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_role("button", name="Import as updates")).to_be_visible()
    assert visit.problems == []
    assert violations(page) == []
    # axe-core causes messages.
    visit.console.clear()
    page.get_by_role("button", name="Import as updates").click()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("link", name="Moved on")).to_be_visible()
    assert visit.problems == []


def _drop_file(page: Page, content: str) -> None:
    """Drop a CSV file on the page, beside the file field."""
    page.wait_for_load_state()
    transfer = page.evaluate_handle(
        """content => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([content], "dropped.csv", { type: "text/csv" }));
          return transfer;
        }""",
        content,
    )
    page.dispatch_event("h1", "dragenter", {"dataTransfer": transfer})
    expect(page.get_by_label("File")).to_have_class("drop")
    page.dispatch_event("h1", "drop", {"dataTransfer": transfer})
    expect(page.get_by_label("File")).to_have_class("")


@pytest.mark.parametrize("names", ["script img", "bidi emoji", "long"])
def test_hostile_strings_are_shown_as_text(
    admin_page: Visitor, live_server: LiveServer, ada: User, names: str
) -> None:
    text = "".join(HOSTILE_STRINGS[name] for name in names.split())
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
    visit = admin_page("/admin/")
    page = visit.page
    titles = [page.title()]
    page.goto(live_server.url + LIST)
    titles.append(page.title())
    for column in ("name", "prompt", "pipeline"):
        cell = page.locator(f"#result_list .field-{column}")
        assert cell.evaluate("cell => cell.textContent.trim()") == text[:120]
    page.locator("#result_list .field-name a").click()
    titles.append(page.title())
    content = "element => element.textContent"
    preview = get_preview(page)
    page.wait_for_load_state("networkidle")
    for selector, expected in (("h1", text[:120]), (".status", text[:200])):
        assert preview.locator(selector).evaluate(content) == expected
    assert preview.locator(".message").first.evaluate(content) == text
    assert text[:500] in preview.locator(".csat").evaluate(content)
    page.get_by_label("Starter message").fill(f"!{text}"[:1000])
    message = preview.locator(".message").first
    expect(message).to_have_js_property("textContent", f"!{text}"[:1000])
    assert not any("owned" in title and "<" not in title for title in titles)
    assert page.locator("img[src=x]").count() == 0
    assert preview.locator("img").count() == 0
    assert visit.problems == []


def test_on_a_phone_rows_are_cards_and_no_page_scrolls_horizontally(
    admin_page: Visitor, live_server: LiveServer, ada: User
) -> None:
    webchat = factories.WebchatFactory.create(
        user=ada, name="w" * 120, allowed_domains=["a.example"]
    )
    page = admin_page(LIST, viewport=PHONE).page
    expect(page.locator("#result_list .field-state")).to_have_attribute("data-label", "State")
    for path in ("/admin/", LIST, f"{LIST}{webchat.pk}/change/", f"{LIST}{webchat.pk}/history/"):
        page.goto(live_server.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
    page.get_by_role("button", name="Menu").click()
    expect(page.get_by_role("link", name="Pipelines")).to_be_visible()
