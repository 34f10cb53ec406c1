"""Text that was typed into a form of the admin site is not lost."""

import pytest
from playwright.sync_api import Dialog, Page, expect
from pytest_django.live_server_helper import LiveServer

from organizations.models import ApiKey, User
from tests.browser.axe import violations
from tests.browser.conftest import REDUCED_MOTION, Visitor
from tests.browser.test_admin_form import LIST, PASSWORD, wait_for_preview
from tests.support import factories
from tests.support.clients import token_client
from webchats.models import Webchat


@pytest.fixture(autouse=True)
def _password(ada: User) -> None:
    """Set Ada's password before she signs in: a new password ends all sessions."""
    ada.set_password(PASSWORD)
    ada.save()


@pytest.fixture
def webchat(ada: User) -> Webchat:
    """A stored webchat."""
    return factories.WebchatFactory.create(
        user=ada, name="Shop", allowed_domains=["a.example"], timestamp_color="#4B5563"
    )


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()


def sign_in(page: Page, email: str) -> None:
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_leaving_a_changed_form_warns(admin_page: Visitor, webchat: Webchat) -> None:
    page = admin_page(f"{LIST}{webchat.pk}/change/").page
    dialogs: list[str] = []

    def stay(dialog: Dialog) -> None:
        dialogs.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    name = page.get_by_label("Name", exact=True)
    name.click()
    page.keyboard.type("!")
    with page.expect_event("dialog"):
        page.get_by_role("link", name="Prompts").click(no_wait_after=True)
    expect(name).to_have_value("Shop!")
    # The form is as it was opened: nothing can be lost.
    name.fill("Shop")
    page.get_by_role("link", name="Prompts").click()
    page.wait_for_url("**/prompt/")
    assert dialogs == ["beforeunload"]


def test_saving_a_changed_form_does_not_warn(admin_page: Visitor, webchat: Webchat) -> None:
    page = admin_page(f"{LIST}{webchat.pk}/change/").page
    dialogs: list[Dialog] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog))
    page.get_by_label("Name", exact=True).click()
    page.keyboard.type("!")
    save(page)
    page.wait_for_url("**/webchat/")
    assert not dialogs
    # What was saved is not filled in again.
    page.locator("#result_list").get_by_role("link", name="Shop!").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Shop!")
    expect(page.locator(".restored")).to_have_count(0)


def test_text_that_was_submitted_after_the_session_ended_is_filled_in_again(
    admin_page: Visitor, ada: User, webchat: Webchat
) -> None:
    pipeline = factories.PipelineFactory.create(organization=ada.organization, name="Sales")
    stage = factories.StageFactory.create(pipeline=pipeline, name="Won")
    page = admin_page(f"{LIST}{webchat.pk}/change/").page
    page.get_by_label("Starter message").fill("Typed")
    page.get_by_label("Allowed domains").fill("b.example")
    page.get_by_label("Enabled").uncheck()
    page.get_by_label("Pipeline", exact=True).select_option(label="Sales")
    page.get_by_label("Pipeline stage").select_option(label="Won")
    page.context.clear_cookies(name="sessionid")
    page.get_by_label("Status text", exact=True).fill("Typed too")
    expect(page.locator("#preview-messages")).to_contain_text("Your session has ended.")
    save(page)
    expect(page.get_by_text("Your session has ended. Sign in again")).to_be_visible()
    sign_in(page, ada.email)
    expect(page.locator(".restored")).to_be_visible()
    expect(page.get_by_label("Starter message")).to_have_value("Typed")
    wait_for_preview(page)
    assert violations(page) == []
    save(page)
    page.wait_for_url("**/webchat/")
    webchat.refresh_from_db()
    assert (webchat.starter_message, webchat.status_text) == ("Typed", "Typed too")
    assert (webchat.allowed_domains, webchat.is_enabled) == (["b.example"], False)
    assert webchat.pipeline_stage == stage


def wait_until_not_stored(page: Page, text: str) -> None:
    """Wait until the tab does not store ``text``. The CSP does not allow ``wait_for_function``."""
    for _ in range(100):
        if text not in page.evaluate("JSON.stringify(sessionStorage)"):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"The tab still stores {text!r}")


def test_text_of_an_ended_session_is_not_shown_to_another_user(
    admin_page: Visitor, ada: User, webchat: Webchat
) -> None:
    other = factories.UserFactory.create(organization=ada.organization)
    other.set_password(PASSWORD)
    other.save()
    page = admin_page(f"{LIST}{webchat.pk}/change/").page
    page.get_by_label("Starter message").fill("Only for Ada")
    page.context.clear_cookies(name="sessionid")
    save(page)
    sign_in(page, other.email)
    expect(page.get_by_label("Starter message")).to_have_value(webchat.starter_message)
    expect(page.locator(".restored")).to_have_count(0)
    wait_until_not_stored(page, "Only for Ada")


def test_text_of_an_ended_session_can_be_discarded(
    admin_page: Visitor, ada: User, webchat: Webchat
) -> None:
    page = admin_page(f"{LIST}{webchat.pk}/change/").page
    page.get_by_label("Starter message").fill("Typed")
    page.context.clear_cookies(name="sessionid")
    save(page)
    sign_in(page, ada.email)
    page.get_by_role("link", name="Appearance").click()
    page.get_by_role("link", name="Discard changes").click()
    expect(page.get_by_label("Starter message")).to_have_value(webchat.starter_message)
    expect(page.locator(".restored")).to_have_count(0)
    wait_until_not_stored(page, "Typed")


def test_signing_out_removes_unsaved_text_from_the_browser(
    admin_page: Visitor, ada: User, webchat: Webchat
) -> None:
    page = admin_page(f"{LIST}{webchat.pk}/change/").page
    page.get_by_label("Starter message").fill("Typed")
    page.context.clear_cookies(name="sessionid")
    save(page)
    sign_in(page, ada.email)
    expect(page.locator(".restored")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Signed out")).to_be_visible()
    wait_until_not_stored(page, "Typed")


def test_stages_that_were_added_are_filled_in_again(admin_page: Visitor, ada: User) -> None:
    pipeline = factories.PipelineFactory.create(organization=ada.organization)
    page = admin_page(f"/admin/organizations/pipeline/{pipeline.pk}/change/").page
    for number, name in enumerate(("New", "Won")):
        page.get_by_text("Add another Stage").click()
        page.locator(f"#id_stages-{number}-name").fill(name)
    page.context.clear_cookies(name="sessionid")
    save(page)
    sign_in(page, ada.email)
    expect(page.locator("#id_stages-1-name")).to_have_value("Won")
    save(page)
    page.wait_for_url("**/pipeline/")
    assert [stage.name for stage in pipeline.stages.all()] == ["New", "Won"]


@pytest.mark.parametrize("way", ["Keep mine", "Take theirs"])
def test_change_of_another_user_is_shown_before_it_is_overwritten(
    admin_page: Visitor, ada: User, webchat: Webchat, way: str
) -> None:
    hedy = factories.UserFactory.create(organization=ada.organization, full_name="Hedy")
    page = admin_page(f"{LIST}{webchat.pk}/change/", **REDUCED_MOTION).page
    changes = {"statusText": "Theirs", "position": "top-left"}
    token_client(hedy).patch(f"/api/webchats/{webchat.pk}", changes)
    page.get_by_label("Status text", exact=True).fill("Mine")
    save(page)
    conflict = page.get_by_role("alert")
    expect(conflict).to_contain_text("Hedy changed this webchat while you were editing.")
    expect(conflict).to_be_focused()
    expect(conflict.get_by_role("row", name="Status text Theirs Mine")).to_be_visible()
    expect(conflict.get_by_role("row", name="Position Top left Not changed")).to_be_visible()
    expect(page.get_by_label("Position")).to_have_value("top-left")
    wait_for_preview(page)
    assert violations(page) == []
    conflict.get_by_text(way, exact=True).last.click()
    if way == "Keep mine":
        page.wait_for_url("**/webchat/")
        expected = ("Mine", "top-left")
    else:
        expect(page.get_by_label("Status text", exact=True)).to_have_value("Theirs")
        expected = ("Theirs", "top-left")
    webchat.refresh_from_db()
    assert (webchat.status_text, webchat.position) == expected


def test_reload_of_the_page_with_a_new_key_creates_no_second_key(
    admin_page: Visitor, live_server: LiveServer
) -> None:
    page = admin_page("/admin/organizations/apikey/add/").page
    page.get_by_label("Name").fill("CI")
    save(page)
    secret = page.locator("#secret").inner_text()
    page.wait_for_url("**/change/")
    page.reload()
    key = ApiKey.objects.get()
    assert page.url == f"{live_server.url}/admin/organizations/apikey/{key.pk}/change/"
    assert key.digest == ApiKey.hash_secret(secret)
    assert secret not in page.content()
    page.goto(f"{live_server.url}/admin/organizations/apikey/add/")
    expect(page.get_by_label("Name")).to_have_value("")
