"""Canned replies in the composer of the inbox: keys, mouse, touch and accessibility."""

import re

import pytest
from playwright.sync_api import Route, expect

from organizations.models import User
from tests.browser.axe import violations
from tests.browser.conftest import REDUCED_MOTION, Visitor
from tests.browser.test_inbox import write
from tests.support import factories
from webchats.conversations.models import Author, Contact, Message
from webchats.models import Webchat

pytestmark = pytest.mark.django_db(transaction=True)

TEXTS = {
    "hello": ("Greeting", "Hello {visitor.name|there}, I am {rep.name}."),
    "hours": ("Opening hours", "We are open from 10 to 19 o'clock."),
    "mail": (
        "Ask for the address",
        "Is {webchat.name} right, and {visitor.email}? {visitor.email}",
    ),
    "return": ("Return an item", "You have 60 days.\n- Print the label\n- Send the parcel"),
}


@pytest.fixture
def shop(ada: User) -> Webchat:
    """A webchat of Ada's organization."""
    return factories.WebchatFactory.create(user=ada, name="Shop")


@pytest.fixture
def replies(ada: User) -> None:
    """Four canned replies of Ada's organization."""
    for shortcut, (title, text) in TEXTS.items():
        factories.CannedReplyFactory.create(
            organization=ada.organization, shortcut=shortcut, title=title, text=text
        )


@pytest.mark.usefixtures("replies")
def test_canned_replies_are_inserted_by_keys_and_mouse(admin_page: Visitor, shop: Webchat) -> None:
    conversation = write(shop, "Grace", "Hello")
    visit = admin_page(f"/admin/inbox/{conversation.pk}/?folder=open", **REDUCED_MOTION)
    page = visit.page
    text = page.get_by_label("Message", exact=True)
    options = page.get_by_role("listbox", name="Canned replies").get_by_role("option")
    text.focus()
    # Enter before the list has been loaded chooses, too.
    page.keyboard.type("/hel")
    page.keyboard.press("Enter")
    expect(text).to_have_value("Hello Grace, I am Ada.")
    # While the text is loaded, nothing is sent, and what is typed stays behind it.
    held: list[Route] = []
    one = re.compile("[?]reply=")
    page.route(one, lambda route: held.append(route))
    page.keyboard.type(" /hou")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.keyboard.type(" Bye")
    expect(text).to_have_value("Hello Grace, I am Ada. /hou Bye")
    held[0].continue_()
    page.unroute(one)
    expect(text).to_have_value(f"Hello Grace, I am Ada. {TEXTS['hours'][1]} Bye")
    assert text.evaluate("element => element.selectionStart === element.value.length")
    text.fill("Hello Grace, I am Ada.")
    page.keyboard.type(" /")
    expect(options).to_have_count(4)
    expect(text).to_have_attribute("aria-activedescendant", f"canned-list-{conversation.pk}-0")
    assert violations(page) == []
    page.emulate_media(color_scheme="dark", forced_colors="active")
    assert violations(page) == []
    page.emulate_media(color_scheme="light", forced_colors="none")
    page.keyboard.press("ArrowUp")
    expect(options.nth(3)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    # By shortcut first, then by the words of the title.
    page.keyboard.type("o")
    expect(options).to_have_text(["/hours Opening hours We are open from 10 to 19 o'clock."])
    # The list scrolls, so that it can get the focus. It closes instead.
    page.keyboard.press("Shift+Tab")
    expect(options).to_have_count(0)
    expect(text).to_be_focused()
    page.keyboard.type("p")
    expect(options).to_have_count(1)
    # Updates of the page keep the list.
    page.evaluate("document.dispatchEvent(new Event('inbox:changed'))")
    expect(options).to_have_count(1)
    page.keyboard.press("Escape")
    expect(options).to_have_count(0)
    expect(text).to_be_focused()
    expect(text).to_have_value("Hello Grace, I am Ada. /op")
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    page.keyboard.type("/ret")
    options.first.click()
    returned = TEXTS["return"][1]
    expect(text).to_have_value(f"Hello Grace, I am Ada. {returned}")
    expect(text).to_be_focused()
    # Not at the start of a word, and without a match, the list stays closed.
    text.fill("")
    page.keyboard.type("and/or /zzz")
    expect(options).to_have_count(0)
    page.keyboard.press("Enter")
    expect(page.locator(".entry-rep .text").last).to_have_text("and/or /zzz")
    # The first variable without a value is selected, and none can be sent.
    Contact.objects.update(email="")
    page.reload()
    text.focus()
    page.keyboard.type("/mail")
    page.keyboard.press("Enter")
    expect(text).to_have_value("Is Shop right, and {visitor.email}? {visitor.email}")
    page.keyboard.type("this")
    expect(text).to_have_value("Is Shop right, and this? {visitor.email}")
    page.keyboard.press("Enter")
    expect(page.locator(".canned-status")).to_have_text(
        "Replace {visitor.email} before you send the message."
    )
    assert Message.objects.filter(author=Author.REP, kind="text").count() == 1
    page.keyboard.type("that")
    page.keyboard.press("Enter")
    expect(page.locator(".entry-rep .text").last).to_have_text("Is Shop right, and this? that")
    assert visit.problems == []


@pytest.mark.usefixtures("replies")
def test_canned_replies_are_inserted_by_touch(
    admin_page: Visitor, shop: Webchat, ada: User
) -> None:
    # More than fit.
    factories.CannedReplyFactory.create_batch(8, organization=ada.organization)
    conversation = write(shop, "Grace", "Hello")
    phone = {"viewport": {"width": 390, "height": 700}, "has_touch": True, "is_mobile": True}
    visit = admin_page(f"/admin/inbox/{conversation.pk}/?folder=open", **phone)
    page = visit.page
    text = page.get_by_label("Message", exact=True)
    text.fill("Yes.")
    page.get_by_role("button", name="Canned replies").tap()
    options = page.get_by_role("listbox", name="Canned replies").get_by_role("option")
    expect(options).to_have_count(12)
    expect(page.locator(".canned-status")).to_have_text("12 canned replies")
    expect(page.get_by_role("button", name="Send")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []
    options.filter(has_text="Opening hours").tap()
    expect(text).to_have_value(f"Yes. {TEXTS['hours'][1]}")
    expect(options).to_have_count(0)
    assert visit.problems == []
