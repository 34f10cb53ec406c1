"""The inbox in a browser: keys, what survives updates, phone, dark mode and accessibility."""

from collections.abc import Iterator
from functools import partial
from socketserver import ThreadingMixIn
from threading import Thread

import pytest
from django.core.servers.basehttp import WSGIRequestHandler
from playwright.sync_api import Dialog, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from organizations.models import User
from tests.browser.axe import violations
from tests.browser.conftest import (
    REDUCED_MOTION,
    Visit,
    Visitor,
    WidgetVisit,
    authenticated,
)
from tests.support import factories
from tests.support.streams import running_live
from webchat_project.asgi_in_wsgi import AsgiInWsgi, Server
from webchats.conversations import services
from webchats.conversations.models import Conversation, Message
from webchats.models import Webchat

INBOX = "/admin/inbox/?state=open"


@pytest.fixture
def shop(ada: User) -> Webchat:
    """A webchat of Ada's organization."""
    return factories.WebchatFactory.create(user=ada, name="Shop")


class ThreadingServer(ThreadingMixIn, Server):
    """A server with a thread for each stream."""

    daemon_threads = True
    block_on_close = False


@pytest.fixture
def streams(live_server: LiveServer) -> Iterator[str]:
    """The URL of a server of streams, which pytest's live server does not have."""
    with running_live() as live:
        server = ThreadingServer(("127.0.0.1", 0), WSGIRequestHandler)
        server.set_app(AsgiInWsgi(live.application, live.loop))
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
        server.server_close()


def write(webchat: Webchat, name: str, text: str) -> Conversation:
    """Send a message as the visitor with this name."""
    visitor_id = f"{sum(map(ord, name)):032x}"
    return services.send_visitor_message(
        webchat=webchat,
        visitor_id=visitor_id,
        text=text,
        client_key=f"key-{Message.objects.count()}",
        contact={"name": name, "email": "visitor@example.com"},
    ).message.conversation


def refresh(page: Page) -> None:
    """Update the page as an event of the stream does."""
    with page.expect_response(lambda response: response.request.method == "GET"):
        page.evaluate("document.dispatchEvent(new Event('inbox:changed'))")


def test_a_conversation_is_answered_by_keyboard_alone(
    admin_page: Visitor, shop: Webchat, live_server: LiveServer
) -> None:
    write(shop, "Grace", "Is **this** [safe](javascript:alert(1))? <b>No</b>")
    write(shop, "Hedy", "Hello")
    visit = admin_page(INBOX)
    page = visit.page
    assert page.title() == "(2) Inbox | Webchats"
    page.locator(".row").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    text = page.get_by_label("Message", exact=True)
    expect(text).to_be_focused()
    message = page.locator(".entry-visitor .text")
    expect(message.locator("strong")).to_have_text("this")
    expect(message.locator("a, b")).to_have_count(0)
    # The opened conversation is read at once.
    expect(page.locator(".row[aria-current] .row-unread")).to_have_count(0)
    page.keyboard.type("First")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("second")
    page.keyboard.press("Enter")
    expect(page.locator(".entry-rep .text")).to_have_text("First\nsecond", use_inner_text=True)
    expect(text).to_have_value("")
    expect(text).to_be_focused()
    # The next message can be written before the one before has been sent.
    for line in ("Third", "Fourth"):
        page.keyboard.type(line)
        page.keyboard.press("Enter")
    expect(page.locator(".entry-rep .text")).to_have_text(["Firstsecond", "Third", "Fourth"])
    expect(text).to_have_value("")
    expect(page).to_have_title("(1) Inbox | Webchats")
    expect(page.locator("#nav-count-inbox")).to_have_text("1 waiting")
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(page.locator(".row[aria-current]")).to_be_focused()
    page.go_back()
    expect(page.locator(".no-thread")).to_be_visible()
    assert visit.problems == []


def use_streams(visit: Visit, streams: str) -> None:
    """Send a visit's requests for streams to their server."""

    def redirect(route: Route) -> None:
        route.continue_(url=streams + route.request.url[route.request.url.index("/live/") :])

    visit.page.context.route("**/live/**", redirect)


def test_visitor_and_representative_write_to_each_other_live(
    visitor: Visitor,
    visit_widget: WidgetVisit,
    live_server: LiveServer,
    ada: User,
    shop: Webchat,
    streams: str,
) -> None:
    inbox = authenticated(visitor, live_server, ada)("/admin/", **REDUCED_MOTION)
    use_streams(inbox, streams)
    first, second = inbox.page, inbox.page.context.new_page()
    with first.expect_response("**/live/organization"):
        first.goto(live_server.url + INBOX)
    second.goto(live_server.url + INBOX)
    shopper = visit_widget(shop, options=REDUCED_MOTION)
    use_streams(shopper, streams)
    shopper.open_widget()
    chat = shopper.frame.locator("#text")
    chat.fill("Hello")
    chat.press("Enter")
    row = first.locator(".row", has_text="Hello")
    row.click()
    text = first.get_by_label("Message", exact=True)
    text.fill("Half an ans")
    expect(first.get_by_text("Online", exact=True)).to_be_visible()
    chat.fill("Any")
    expect(first.get_by_text("The visitor is typing…")).to_be_visible()
    # The second tab has no stream of its own.
    expect(second.locator(".row.is-typing")).to_have_count(1)
    chat.fill("Anybody?")
    chat.press("Enter")
    expect(first.locator(".entry-visitor .text").last).to_have_text("Anybody?")
    expect(second.locator(".row", has_text="Anybody?")).to_be_visible()
    expect(text).to_have_value("Half an ans")
    expect(text).to_be_focused()
    first.keyboard.type("wer")
    first.keyboard.press("Enter")
    expect(shopper.frame.get_by_text("Half an answer", exact=True)).to_be_visible()
    expect(first.locator(".entry-rep .text")).to_have_text("Half an answer")
    assert inbox.problems == []


def test_text_and_focus_survive_updates_and_conflicts(
    admin_page: Visitor, ada: User, shop: Webchat, live_server: LiveServer
) -> None:
    conversation = write(shop, "Grace", "Hello")
    other = write(shop, "Hedy", "Hi")
    colleague = factories.UserFactory.create(organization=ada.organization, full_name="Kim Rivera")
    page = admin_page(f"/admin/inbox/{conversation.pk}/?state=open").page
    text = page.get_by_label("Message", exact=True)
    text.fill("My answer")
    write(shop, "Grace", "Anybody?")
    services.send_rep_message(
        conversation=conversation, user=colleague, text="Kim's answer", client_key="kim"
    )
    refresh(page)
    expect(page.locator(".entry")).to_have_count(3)
    expect(text).to_have_value("My answer")
    expect(text).to_be_focused()
    # The text was begun before the colleague's answer.
    page.keyboard.press("Enter")
    expect(page.locator(".refused")).to_contain_text("Kim answered meanwhile.")
    expect(text).to_have_value("My answer")
    refresh(page)
    expect(page.locator(".refused")).to_contain_text("Kim's answer")
    # Another conversation, and back.
    page.locator(f"#row-{other.pk}").click()
    expect(text).to_have_value("")
    page.locator(f"#row-{conversation.pk}").click()
    expect(text).to_have_value("My answer")
    page.keyboard.press("Enter")
    expect(page.locator(".entry-rep .text").last).to_have_text("My answer")
    expect(page.locator(".refused")).to_have_count(0)
    expect(text).to_have_value("")
    page.get_by_role("button", name="Kim Rivera").click()
    page.get_by_role("button", name="You", exact=True).click()
    expect(page.get_by_role("button", name="You (change")).to_be_visible()
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.get_by_role("button", name="Reopen and send")).to_be_visible()


def test_one_refused_update_is_made_again_unseen_and_two_are_a_problem(
    admin_page: Visitor, shop: Webchat
) -> None:
    conversation = write(shop, "Grace", "Hello")
    page = admin_page(f"/admin/inbox/{conversation.pk}/").page
    problem = page.locator("#inbox-problem")
    refusals = [True, False, True, True]

    def refuse(route: Route) -> None:
        if "hx-request" in route.request.headers and refusals and refusals.pop(0):
            route.fulfill(status=503, headers={"Retry-After": "1"}, body="<h1>Unavailable</h1>")
        else:
            route.continue_()

    page.route("**/admin/inbox/**", refuse)
    write(shop, "Grace", "Are you there?")
    refresh(page)
    expect(problem).to_be_empty()
    expect(page.locator(".entry-visitor .text").last).to_have_text("Are you there?")
    refresh(page)
    expect(problem).to_contain_text("could not be updated")
    refresh(page)
    expect(problem).to_be_empty()


def sign_in_elsewhere(page: Page, server: LiveServer, letter: str) -> None:
    """Make the tokens of the page invalid, as a sign-in in another tab does."""
    page.context.add_cookies(
        [{"name": "csrftoken", "value": letter * 32, "url": server.url, "httpOnly": True}]
    )


def test_session_end_and_errors_do_not_lose_text(
    admin_page: Visitor, shop: Webchat, live_server: LiveServer
) -> None:
    conversation = write(shop, "Grace", "Hello")
    page = admin_page(f"/admin/inbox/{conversation.pk}/").page
    text = page.get_by_label("Message", exact=True)
    text.fill("My answer")
    page.route("**/send/**", lambda route: route.fulfill(status=503, body="<h1>Unavailable</h1>"))
    page.keyboard.press("Enter")
    problem = page.locator("#inbox-problem")
    expect(problem).to_contain_text("What you have typed is kept.")
    page.unroute("**/send/**")
    page.route("**/send/**", lambda route: route.abort())
    page.keyboard.press("Enter")
    expect(problem).to_contain_text("No connection.")
    expect(text).to_have_value("My answer")
    page.unroute("**/send/**")
    page.keyboard.press("Enter")
    expect(page.locator(".entry-rep .text")).to_have_text("My answer")
    expect(problem).to_be_empty()
    sign_in_elsewhere(page, live_server, "t")
    text.fill("Another answer")
    page.keyboard.press("Enter")
    expect(page.locator(".entry-rep .text").last).to_have_text("Another answer")
    expect(problem).to_be_empty()
    with page.expect_response(lambda response: "/typing/" in response.url) as typing:
        text.press_sequentially("x")
    assert typing.value.status == 204
    sign_in_elsewhere(page, live_server, "u")
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.get_by_role("button", name="Reopen and send")).to_be_visible()
    expect(text).to_have_value("x")
    # The same text again is another message.
    text.fill("Another answer")
    page.keyboard.press("Enter")
    expect(page.locator(".entry-rep .text")).to_have_count(3)


def test_list_is_filtered_searched_and_saved_as_a_view(
    admin_page: Visitor, ada: User, shop: Webchat, live_server: LiveServer
) -> None:
    blog = factories.WebchatFactory.create(user=ada, name="Blog")
    write(shop, "Grace", "Where is my tent?")
    write(blog, "Hedy", "A tent, please")
    visit = admin_page(INBOX, **REDUCED_MOTION)
    page, rows = visit.page, visit.page.locator(".row")
    page.get_by_role("link", name="Filters").click()
    page.get_by_label("Webchat", exact=True).select_option("Blog")
    expect(rows).to_have_count(1)
    query = f"state=open&webchatId={blog.pk}&filters=1"
    expect(page).to_have_url(f"{live_server.url}/admin/inbox/?{query}")
    page.get_by_label("Name").fill("Tents of the blog")
    # An update of the page keeps what is typed.
    write(blog, "Joan", "Hello")
    refresh(page)
    expect(rows).to_have_count(2)
    expect(page.get_by_label("Name")).to_have_value("Tents of the blog")
    page.get_by_role("button", name="Save view").click()
    view = page.get_by_role("link", name="Tents of the blog")
    expect(view).to_have_attribute("aria-current", "true")
    assert violations(page) == []
    page.locator("#view-open").click()
    expect(rows).to_have_count(3)
    search = page.get_by_role("searchbox", name="Search conversations")
    search.fill("tent")
    refresh(page)
    expect(search).to_have_value("tent")
    search.press("Enter")
    expect(rows).to_have_count(2)
    expect(page.locator(".list-notice")).to_contain_text("Searched in Open only.")
    expect(page.locator("#view-open")).to_have_attribute("aria-current", "true")
    view.click()
    expect(search).to_have_value("")
    expect(rows).to_have_count(2)
    search.fill("where tent")
    search.press("Enter")
    expect(page.get_by_text("No conversation matches the filters.")).to_be_visible()
    page.get_by_role("link", name="Search all conversations").click()
    expect(rows).to_have_count(1)
    assert violations(page) == []
    assert visit.problems == []


def test_inbox_works_without_a_script(
    admin_page: Visitor, shop: Webchat, live_server: LiveServer
) -> None:
    write(shop, "Grace", "Hello")
    page = admin_page(INBOX, java_script_enabled=False).page
    page.locator(".row").click()
    page.get_by_label("Message", exact=True).fill("Hi")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".entry-rep .text")).to_have_text("Hi")
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.locator(".event").last).to_contain_text("Ada closed the conversation")


def test_a_contact_is_moved_to_a_stage_of_another_pipeline(
    admin_page: Visitor, shop: Webchat
) -> None:
    stages = [
        factories.StageFactory.create(pipeline__organization=shop.organization) for _ in range(2)
    ]
    conversation = write(shop, "Grace", "Hello")
    visit = admin_page(f"/admin/inbox/{conversation.pk}/?edit=contact")
    pipeline, stage = visit.page.get_by_label("Pipeline"), visit.page.locator("#id_contact-stage")
    for selected in stages:
        pipeline.select_option(selected.pipeline_id)
        expect(stage.locator("option")).to_have_text(["None", selected.name])
    stage.select_option(stages[1].pk)
    visit.page.get_by_role("button", name="Save", exact=True).click()
    expect(visit.page.locator(".contact dl")).to_contain_text(stages[1].name)
    conversation.contact.refresh_from_db()
    assert conversation.contact.stage == stages[1]
    assert visit.problems == []


def test_unsaved_contact_is_kept_until_the_user_discards_it(
    admin_page: Visitor, shop: Webchat
) -> None:
    write(shop, "Hedy", "Hello")
    write(shop, "Grace", "Hello")
    page = admin_page(INBOX).page
    page.locator(".row", has_text="Grace").click()
    page.get_by_role("link", name="Edit").click()
    name = page.locator("#id_contact-name")
    name.press("End")
    page.keyboard.type(" Hopper")
    refresh(page)
    dialogs: list[str] = []

    def stay(dialog: Dialog) -> None:
        dialogs.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    for leave in (
        page.locator("#filters-button").click,
        page.locator("#view-closed").click,
        page.locator(".row", has_text="Hedy").click,
        partial(page.get_by_role("link", name="Prompts").click, no_wait_after=True),
        partial(page.evaluate, "void navigation.back()"),
    ):
        with page.expect_event("dialog"):
            leave()
        expect(name).to_have_value("Grace Hopper")
    assert dialogs == ["confirm"] * 3 + ["beforeunload", "confirm"]
    # Cancel discards it without a question.
    page.get_by_role("link", name="Cancel").click()
    page.locator(".row", has_text="Hedy").click()
    expect(page.locator("#contact-title")).to_have_text("Hedy")
    assert len(dialogs) == 5


def test_a_note_stays_a_note_and_the_next_text_is_a_reply(
    admin_page: Visitor, shop: Webchat
) -> None:
    write(shop, "Hedy", "Hello")
    conversation = write(shop, "Grace", "Hello")
    page = admin_page(INBOX).page
    title, note = page.locator("#contact-title"), page.get_by_role("radio", name="Note")

    def open_conversation(name: str) -> None:
        page.locator(".row", has_text=name).click()
        expect(title).to_have_text(name)

    page.route("**/unsent-text/", lambda route: route.abort())
    open_conversation("Grace")
    note.check()
    page.get_by_label("Message", exact=True).press_sequentially("Only for us")
    open_conversation("Hedy")
    expect(note).not_to_be_checked()
    open_conversation("Grace")
    expect(note).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.locator(".entry-note .text")).to_have_text("Only for us")
    expect(note).not_to_be_checked()
    assert conversation.notes.count() == 1
