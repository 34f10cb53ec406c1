"""The inbox by keys alone: shortcuts, their help and the command palette."""

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from organizations.models import User
from tests.browser.axe import violations
from tests.browser.conftest import REDUCED_MOTION, Visitor
from tests.browser.test_inbox import INBOX, write
from tests.support import factories
from webchats.conversations.models import Conversation, Note
from webchats.models import Webchat

pytestmark = pytest.mark.django_db(transaction=True)

#: The same for each. Ten take 20 s.
CONVERSATIONS = 3


@pytest.fixture
def shop(ada: User) -> Webchat:
    """A webchat of Ada's organization."""
    return factories.WebchatFactory.create(user=ada, name="Shop")


def test_conversations_are_answered_annotated_assigned_and_closed_by_keys(
    admin_page: Visitor, ada: User, shop: Webchat
) -> None:
    for number in range(CONVERSATIONS):
        write(shop, f"Visitor {number}", "Hello")
    visit = admin_page(INBOX, **REDUCED_MOTION)
    page, press = visit.page, visit.page.keyboard.press
    text = page.get_by_label("Message", exact=True)
    for number in range(CONVERSATIONS):
        press("j")
        expect(page.locator(".row").first).to_be_focused()
        press("Enter")
        expect(text).to_be_focused()
        page.keyboard.type(f"Answer {number}, jkrnate?")
        press("Enter")
        expect(page.locator(".entry-rep .text")).to_have_text(f"Answer {number}, jkrnate?")
        press("Escape")
        press("n")
        page.keyboard.type("Remember")
        press("Control+Enter")
        expect(page.locator(".entry-note")).to_have_count(1)
        press("Escape")
        press("a")
        expect(page.locator(".assignee")).to_contain_text("You")
        press("e")
        expect(page.locator(".row")).to_have_count(CONVERSATIONS - number - 1)
    closed = Conversation.objects.closed().filter(assignee=ada, first_reply_at__isnull=False)
    assert (closed.count(), Note.objects.count()) == (CONVERSATIONS, CONVERSATIONS)
    assert visit.problems == []


def test_shortcuts_are_listed_and_turned_off_and_commands_are_found_by_name(
    admin_page: Visitor, ada: User, shop: Webchat
) -> None:
    write(shop, "Grace", "Hello")
    visit = admin_page(INBOX, **REDUCED_MOTION)
    page, press = visit.page, visit.page.keyboard.press
    press("?")
    help_dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(help_dialog.get_by_role("row", name="j Next conversation")).to_be_visible()
    assert violations(page) == []
    with page.expect_response("**/shortcuts/"):
        help_dialog.get_by_label("Use single keys").uncheck()
    press("Escape")
    ada.refresh_from_db()
    assert not ada.uses_single_keys
    page.reload()
    press("j")
    expect(page.locator(".row").first).not_to_be_focused()
    # The palette does not need a single key.
    press("Control+k")
    command = page.get_by_role("combobox", name="Command")
    expect(command).to_be_focused()
    assert violations(page) == []
    page.keyboard.type("next conv")
    expect(page.get_by_role("option")).to_have_text("Next conversation")
    press("Enter")
    expect(page.locator(".row").first).to_be_focused()
    press("Control+k")
    page.keyboard.type("nothing like this")
    expect(page.get_by_text("No command has this name.")).to_be_visible()
    press("Enter")
    command.fill("go to")
    press("ArrowDown")
    press("ArrowUp")
    page.get_by_role("option", name="Go to Closed").click()
    expect(page.locator("#view-closed")).to_have_attribute("aria-current", "true")
    assert visit.problems == []


def test_another_users_choice_stays(client: Client, ada: User) -> None:
    colleague = factories.UserFactory.create(organization=ada.organization)
    client.force_login(ada)
    assert client.post(reverse("inbox:shortcuts")).status_code == 204
    ada.refresh_from_db()
    colleague.refresh_from_db()
    assert (ada.uses_single_keys, colleague.uses_single_keys) == (False, True)
