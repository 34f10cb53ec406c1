"""The visitor's chat on the running demo: with a representative, with failures, in every state."""

import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser.axe import violations
from tests.browser.conftest import (
    HOSTILE_STRINGS,
    PHONE,
    REDUCED_MOTION,
    CustomerSites,
    Visit,
    Visitor,
)
from tests.support.demo import running_demo
from webchats.demo import EMAIL, PASSWORD, WEBCHAT_ID

#: Each wait between two attempts is the shortest.
NO_WAITS = "Math.random = () => 0"
#: As in a browser that blocks third-party cookies.
NO_STORAGE = """
if (parent !== window) Object.defineProperty(window, "localStorage", {
  get() { throw new DOMException("Access is denied", "SecurityError"); }
})
"""
#: Collects what is only shown for a moment: announcements, states, and the text of a reply.
RECORD = """html => {
  const seen = window.seen = { announcements: [], states: [], replies: [] };
  const observe = (node, options, record) => new MutationObserver(record).observe(node, options);
  const [status, reply] = ["announcement", "reply"].map((id) => document.getElementById(id));
  observe(status, { childList: true }, () =>
    status.textContent && seen.announcements.push(status.textContent));
  observe(html, { attributeFilter: ["data-state"] }, () => seen.states.push(html.dataset.state));
  observe(reply, { childList: true, subtree: true }, () =>
    seen.replies.push(reply.lastElementChild.textContent));
}"""


@dataclass
class Demo:
    """The running demo, and what its administrator does by the API."""

    address: str
    token: str = ""

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Send a request and return the JSON of its response."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as response:
            content = response.read()
        return json.loads(content) if content else None

    def newest_conversation(self) -> str:
        """Return the path of the conversation with the newest message."""
        (newest,) = self.call("GET", "/api/conversations?limit=1")["data"]
        return f"/api/conversations/{newest['_id']}"

    def reply(self, conversation: str, text: str) -> None:
        """Send a representative's message."""
        body = {"text": text, "clientKey": uuid4().hex}
        self.call("POST", f"{conversation}/messages", body)

    def approve_newest_draft(self) -> None:
        """Wait for a draft that can be approved, and approve it."""
        deadline = monotonic() + 10
        while not (drafts := self.call("GET", "/api/drafts?state=pending&limit=1")["data"]):
            assert monotonic() < deadline, "There is no draft."
            sleep(0.1)
        body = {"version": drafts[0]["version"]}
        self.call("POST", f"/api/drafts/{drafts[0]['_id']}/approve", body)

    def texts(self, conversation: str) -> list[str]:
        """Return the texts of the visitor's messages."""
        messages = self.call("GET", f"{conversation}/messages?limit=100")["data"]
        return [message["text"] for message in messages if message["author"] == "visitor"]

    def set_enabled(self, is_enabled: bool) -> None:
        """Enable or disable the webchat."""
        self.call("PATCH", f"/api/webchats/{WEBCHAT_ID}", {"isEnabled": is_enabled})


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for all tests of this module."""
    with running_demo(tmp_path_factory.mktemp("demo")) as (address, _):
        service = Demo(address)
        account = {"email": EMAIL, "password": PASSWORD}
        service.token = service.call("POST", "/api/auth/login", account)["token"]
        # Without knowledge, people answer.
        for entry in service.call("GET", "/api/knowledge?limit=100")["data"]:
            service.call("DELETE", f"/api/knowledge/{entry['_id']}")
        yield service


@pytest.fixture
def other_site(demo: Demo, sites: CustomerSites) -> Callable[..., str]:
    """``other_site()`` is the URL of a page of another site with the widget."""

    def url(attributes: str = "lang=en", policy: str = "") -> str:
        page = (
            f"<!DOCTYPE html><html {attributes}><head><title>Shop</title>"
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<script nonce="abc" src="{demo.address}/embed.js" data-webchat="{WEBCHAT_ID}">'
            "</script></head><body><main><h1>Shop</h1></main></body></html>"
        )
        headers = {"Content-Security-Policy": policy} if policy else {}
        return sites.serve(page, host="localhost", headers=headers)

    return url


class Chat:
    """The chat in a visit's panel."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.frame = visit.frame
        self.text = visit.frame.locator("#text")
        self.root = visit.frame.locator("html")
        self.messages = visit.frame.locator(".row .message")
        self._checked: set[str] = set()

    def send(self, text: str) -> None:
        """Write a message and send it with the Enter key."""
        self.text.fill(text)
        self.text.press("Enter")

    def expect_state(self, state: str, *, notice: str = "") -> None:
        """Wait for a state, in which the line above the composer starts with ``notice``.

        axe checks each state once.
        """
        expect(self.root).to_have_attribute("data-state", state)
        if notice:
            expect(self.frame.locator("#notice")).to_contain_text(notice)
        if state not in self._checked:
            self._checked.add(state)
            assert violations(self.visit.page) == []

    def button(self, name: str) -> Locator:
        """Return a button."""
        return self.frame.get_by_role("button", name=name)


def test_a_visitor_and_a_representative_write_to_each_other(demo: Demo, visitor: Visitor) -> None:
    visit = visitor(f"{demo.address}/demo", **REDUCED_MOTION)
    page, chat = visit.page, Chat(visit)
    expect(visit.launcher).to_be_visible()
    page.wait_for_load_state("networkidle")

    # Nothing is requested before the visitor approaches the launcher, and nothing is stored
    # before the first message.
    assert requests(visit) == ["config"]
    visit.launcher.hover()
    # By the script, which runs after the styles have been loaded.
    expect(chat.root).to_have_attribute("style", re.compile("--primary"))
    assert sorted(requests(visit)) == ["", "config", "frame.css", "frame.js"]
    visit.open_widget()
    expect(chat.text).to_be_focused()
    chat.expect_state("idle")
    stored = "Object.keys(localStorage).sort()"
    assert page.evaluate(stored) == []
    chat.send("Do you ship to *Norway*?")
    chat.expect_state("waiting", notice="We received your message.")
    assert page.evaluate(stored) == [f"webchat:{WEBCHAT_ID}", f"webchat:{WEBCHAT_ID}:until"]

    # The answer arrives while the visitor writes: the focus and the text stay.
    chat.text.fill("And")
    conversation = demo.newest_conversation()
    demo.call("POST", f"{conversation}/typing", {})
    chat.expect_state("typing")
    demo.reply(conversation, "We do:\n- two days\n- **free**")
    chat.expect_state("joined", notice="You are chatting with Alex")
    expect(chat.messages.last.locator("li")).to_have_text(["two days", "free"])
    expect(chat.frame.get_by_role("status")).to_contain_text("Alex: We do: two days free")
    expect(chat.frame.get_by_role("log")).to_have_attribute("aria-live", "off")
    expect(chat.text).to_be_focused()
    expect(chat.text).to_have_value("And")
    expect(chat.frame.locator(".day:visible")).to_have_text(["Today"])
    assert chat.frame.locator(".row .event").all_inner_texts() == ["Alex joined"]

    # A second tab of the visitor reads no stream of its own.
    second = page.context.new_page()
    opened: list[str] = []
    second.on("request", lambda request: opened.append(request.url))
    second.clock.install()
    second.goto(f"{demo.address}/demo")
    other = Chat(Visit(second, [], opened))
    other.visit.open_widget()
    expect(other.messages).to_have_count(2)
    demo.reply(conversation, "Anything else?")
    expect(other.messages).to_have_count(3)
    expect(chat.messages).to_have_count(3)
    assert [url for url in opened if "/live/" in url] == []
    # It does when the first tab goes.
    with second.expect_request("**/live/**"):
        page.goto("about:blank")
    demo.reply(conversation, "Still there?")
    expect(other.messages).to_have_count(4)

    # The launcher shows the number of unread messages, once a minute and on the next page.
    second.keyboard.press("Escape")
    demo.reply(conversation, "See you!")
    second.clock.fast_forward(61_000)
    expect(other.visit.launcher).to_have_accessible_name(re.compile("New messages: 1"))
    demo.reply(conversation, "Or not?")
    second.reload()
    expect(other.visit.launcher).to_have_accessible_name(re.compile("New messages: 2"))
    assert violations(second) == []
    other.visit.open_widget()
    expect(other.messages.last).to_be_in_viewport()
    expect(other.visit.launcher).not_to_have_accessible_name(re.compile("New messages"))

    # The visitor ends the conversation and continues it.
    other.button("Options").press("Enter")
    with second.expect_download() as download:
        other.button("Download conversation").press("Enter")
    assert "See you!" in download.value.path().read_text()
    other.button("Options").press("Enter")
    other.button("End conversation").press("Enter")
    other.expect_state("closed", notice="This conversation has ended.")
    other.send("One more thing")
    other.expect_state("joined")
    expect(chat_events(other)).to_have_text(
        ["Alex joined", "Conversation ended", "Conversation continued"]
    )

    # An open panel asks whether the webchat has been enabled again.
    demo.set_enabled(False)
    other.expect_state("disabled")
    demo.set_enabled(True)
    second.clock.fast_forward(61_000)
    other.expect_state("joined")
    assert visit.problems == []


def test_the_sample_site_shows_the_widget(demo: Demo, visitor: Visitor) -> None:
    visit = visitor(f"{demo.address}/demo", **REDUCED_MOTION)
    visit.open_widget()
    expect(visit.frame.get_by_role("heading")).to_have_text("Example Company")
    assert visit.console == []
    phone = visitor(f"{demo.address}/demo", **PHONE, **REDUCED_MOTION)
    assert phone.page.evaluate("document.documentElement.scrollWidth") == 320
    for page in (visit.page, phone.page):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert violations(page) == []


def requests(visit: Visit) -> list[str]:
    """Return what the widget requested of the service, below ``/widget``."""
    paths = (re.search(r"/widget(?:/[0-9a-f]{24})?/?([a-z.]*)", url) for url in visit.requests)
    return [path[1] for path in paths if path]


def chat_events(chat: Chat) -> Locator:
    """Return the lines about events."""
    return chat.frame.locator(".row .event")


@pytest.fixture
def answers(demo: Demo) -> Iterator[Callable[[dict[str, str]], None]]:
    """``answers(entry)`` lets the AI quote a knowledge entry in this test."""
    created = []

    def add(entry: dict[str, str]) -> None:
        created.append(demo.call("POST", "/api/knowledge", entry)["data"]["_id"])

    yield add
    for pk in created:
        demo.call("DELETE", f"/api/knowledge/{pk}")


def test_the_ai_answers_with_its_sources_and_hands_over(
    demo: Demo,
    visitor: Visitor,
    other_site: Callable[..., str],
    answers: Callable[[dict[str, str]], None],
) -> None:
    entry = {
        "question": "How long does delivery take?",
        "answer": "Parcels arrive within **two** to four working days. " * 3 + "See www.a.example",
        "link": "https://example.com/delivery",
    }
    demo.call("PATCH", f"/api/webchats/{WEBCHAT_ID}", {"isAutopilot": True})
    answers(entry)
    visit = visitor(other_site(), **REDUCED_MOTION)
    chat = Chat(visit)
    visit.open_widget()
    disclosure = chat.frame.locator("#disclosure")
    expect(disclosure).to_have_text("Automatic answers from our texts, without AI.")
    chat.root.evaluate(RECORD)

    chat.send("How long does the delivery take?")
    answer = chat.messages.nth(1)
    expect(answer).to_contain_text("See www.a.example")
    expect(chat.frame.locator("#reply")).to_be_hidden()
    expect(chat.frame.locator(".row .name").last).to_contain_text("· Automatic answer")
    assert answer.locator("a").evaluate_all("links => links.map(link => link.href)") == [
        "https://example.com/delivery"
    ]
    expect(chat.frame.get_by_role("status")).to_contain_text("See www.a.example")
    seen = chat.root.evaluate("() => window.seen")
    assert "typing" in seen["states"]
    assert seen["replies"][0].startswith("Parcels arrive")
    # That the assistant is writing, and the whole answer.
    assert len(seen["announcements"]) == 2
    assert violations(visit.page) == []

    # A returning visitor reads the same label.
    visit.page.reload()
    visit.open_widget()
    expect(chat.frame.locator(".row .name").last).to_contain_text("· Automatic answer")

    # A draft is not shown before a colleague approves it.
    demo.call("PATCH", f"/api/webchats/{WEBCHAT_ID}", {"isAutopilot": False})
    chat.send("Delivery, how long?")
    chat.expect_state("checking", notice="A colleague checks the answer.")
    conversation = demo.newest_conversation()
    expect(chat.messages).to_have_count(3)
    demo.approve_newest_draft()
    expect(chat.messages).to_have_count(4)
    approved = "· Automatic answer, checked by a colleague"
    expect(chat.frame.locator(".row .name").last).to_contain_text(approved)
    chat.frame.get_by_role("button", name="Talk to a person").click()
    chat.expect_state("waiting")
    expect(disclosure).to_be_hidden()
    assert demo.call("GET", conversation)["data"]["handler"] == "waiting"


def test_a_closed_conversation_is_rated_and_the_rating_is_changed(
    demo: Demo, visitor: Visitor, other_site: Callable[..., str]
) -> None:
    size = {"viewport": {"width": 390, "height": 844}}
    visit = visitor(other_site(), **REDUCED_MOTION, **size)
    chat, keyboard = Chat(visit), visit.page.keyboard
    visit.open_widget()
    chat.send("Is it over?")
    chat.expect_state("waiting")
    conversation = demo.newest_conversation()
    survey = chat.frame.get_by_role("region", name="How did we do?")
    expect(survey).to_be_hidden()

    # It appears, is announced, and leaves the focus where it is.
    demo.call("PUT", conversation, {"state": "closed"})
    chat.expect_state("closed")
    expect(chat.frame.get_by_role("status")).to_contain_text("How did we do?")
    expect(chat.text).to_be_focused()
    scores = survey.get_by_role("group", name="How did we do?").get_by_role("radio")
    sizes = scores.evaluate_all("all => all.map(one => one.getBoundingClientRect().toJSON())")
    assert len(sizes) == 5
    assert min(min(size["width"], size["height"]) for size in sizes) >= 44

    keyboard.press("Shift+Tab")
    expect(chat.button("Send rating")).to_be_focused()
    keyboard.press("Enter")
    expect(survey.get_by_role("alert")).to_have_text("Choose one to five stars.")
    expect(scores.first).to_be_focused()
    for key in ("Space", "ArrowRight", "ArrowRight", "ArrowRight", "Tab"):
        keyboard.press(key)
    expect(survey.get_by_role("radio", name="4 of 5, good")).to_be_checked()
    expect(survey.get_by_role("alert")).to_have_text("")
    keyboard.type("<b>Quick</b>")
    keyboard.press("Tab")
    assert violations(visit.page) == []
    keyboard.press("Enter")
    thanks = survey.get_by_text("Thank you for your feedback!")
    expect(thanks).to_be_focused()
    expect(scores.first).to_be_hidden()
    assert violations(visit.page) == []
    rating = {"score": 4, "comment": "<b>Quick</b>"}
    assert demo.call("GET", conversation)["data"]["rating"] == rating

    chat.button("Change rating").click()
    expect(survey.get_by_role("radio", name="4 of 5, good")).to_be_focused()
    expect(survey.get_by_label("Comment")).to_have_value("<b>Quick</b>")
    keyboard.press("ArrowRight")
    keyboard.press("Enter")
    expect(thanks).to_be_focused()
    expect(survey.get_by_role("img", name="5 of 5, very good")).to_be_visible()
    assert demo.call("GET", conversation)["data"]["rating"]["score"] == 5

    # A conversation that goes on hides the survey, and asks only once.
    chat.send("One more thing")
    expect(survey).to_be_hidden()
    expect(chat.root).to_have_attribute("data-state", "waiting")
    demo.call("PUT", conversation, {"state": "closed"})
    expect(thanks).to_be_visible()
    expect(scores.first).to_be_hidden()
    assert [line for line in visit.problems if "favicon" not in line] == []


def test_an_erased_visitor_starts_anew(
    demo: Demo, visitor: Visitor, other_site: Callable[..., str]
) -> None:
    visit = visitor(other_site(), **REDUCED_MOTION)
    chat = Chat(visit)
    visit.open_widget()
    chat.send("Forget me")
    expect(chat.root).to_have_attribute("data-state", "waiting")
    conversation = demo.newest_conversation()
    contact = demo.call("GET", conversation)["data"]["contactId"]
    erasure = demo.call("POST", f"/api/contacts/{contact}/erase")["data"]
    expect(chat.root).not_to_have_attribute("data-state", "waiting")
    chat.send("Somebody else")
    expect(chat.root).to_have_attribute("data-state", "waiting")
    while demo.call("GET", f"/api/erasures/{erasure['_id']}")["data"]["state"] != "done":
        visit.page.wait_for_timeout(100)
    assert demo.texts(demo.newest_conversation()) == ["Somebody else"]
    visit.page.reload()
    visit.open_widget()
    expect(chat.frame.get_by_text("Somebody else")).to_be_visible()
    expect(chat.frame.get_by_text("Forget me")).to_have_count(0)


def test_no_message_is_lost_or_doubled_by_failures(
    demo: Demo, visitor: Visitor, other_site: Callable[..., str]
) -> None:
    visit = visitor("about:blank", **PHONE, **REDUCED_MOTION)
    visit.page.context.add_init_script(NO_STORAGE)
    visit.page.goto(other_site())
    page, context, chat = visit.page, visit.page.context, Chat(visit)
    visit.open_widget()
    expect(chat.frame.get_by_role("log")).to_be_focused()
    chat.root.evaluate(NO_WAITS)
    messages = f"**/widget/{WEBCHAT_ID}/messages"

    # Each second response is lost: the same message is sent again.
    answers = iter([False, True] * 20)

    def cut(route: Route) -> None:
        response = route.fetch()
        if next(answers):
            route.fulfill(response=response)
        else:
            route.abort("connectionreset")

    page.route(messages, cut)
    texts = [f"Message {number}" for number in range(10)]
    for text in texts:
        chat.send(text)
    expect(chat.messages).to_have_text(texts)
    # The browser stores nothing.
    chat.expect_state("blocked", notice="keep this page open")
    expect(chat.messages).to_have_text(texts)
    conversation = demo.newest_conversation()
    assert demo.texts(conversation) == texts
    page.unroute(messages)

    # No response at all: the visitor sends both messages again, in their order.
    page.route(messages, lambda route: route.abort())
    chat.send("First")
    chat.expect_state("failed", notice="Your message was not sent.")
    expect(chat.frame.locator(".failed .stamp")).to_contain_text("Not sent")
    page.unroute(messages)
    chat.send("Second")
    chat.expect_state("blocked")

    context.set_offline(True)
    chat.send("Third")
    chat.expect_state("offline", notice="You are offline.")
    context.set_offline(False)
    chat.expect_state("blocked")

    too_many = {"status": 429, "headers": {"Retry-After": "1"}, "json": {}}
    page.route(messages, lambda route: route.fulfill(**too_many), times=1)
    chat.send("Fourth")
    chat.expect_state("slow", notice="Too many messages at once.")
    chat.expect_state("blocked")
    texts += ["First", "Second", "Third", "Fourth"]
    expect(chat.messages).to_have_text(texts)
    assert demo.texts(conversation) == texts

    # The stream and then everything else fails.
    page.route(re.compile("/live/|/messages"), lambda route: route.abort())
    chat.root.evaluate("dispatchEvent(new Event('online'))")
    chat.expect_state("reconnecting", notice="Reconnecting…")
    chat.send("Fifth")
    chat.expect_state("failed")
    demo.reply(conversation, "While you were away")
    page.unroute_all()
    page.route("**/live/**", lambda route: route.abort())
    # Without a stream the frame polls, and sends what has failed.
    expect(chat.messages).to_have_text([*texts, "While you were away", "Fifth"])
    chat.expect_state("joined")
    page.unroute_all()

    # After too many streams the next attempt is made when the service allows it.
    page.route("**/live/**", lambda route: route.fulfill(**too_many), times=1)
    with page.expect_response(lambda response: "/live/" in response.url and response.ok):
        chat.root.evaluate("dispatchEvent(new Event('online'))")

    demo.set_enabled(False)
    chat.root.evaluate("dispatchEvent(new Event('online'))")
    chat.expect_state("disabled", notice="This chat is not available")
    demo.set_enabled(True)
    chat.button("Close chat").tap()
    visit.open_widget()
    chat.expect_state("joined")

    # A session that cannot be renewed is replaced by that of a new visitor, without a conversation.
    def forget(route: Route) -> None:
        body = json.loads(route.request.post_data or "")
        route.continue_(post_data={"ticket": body["ticket"]})

    page.route("**/session", forget)
    page.route("**/live/**", lambda route: route.fulfill(status=401, json={}), times=1)
    chat.root.evaluate("dispatchEvent(new Event('online'))")
    chat.expect_state("idle")


def test_hostile_texts_are_shown_as_text(
    demo: Demo, visitor: Visitor, other_site: Callable[..., str]
) -> None:
    options = {**PHONE, **REDUCED_MOTION, "forced_colors": "active"}
    visit = visitor(other_site("lang=de-AT"), **options)
    chat = Chat(visit)
    visit.open_widget()
    # The texts are in the language of the page.
    expect(chat.text).to_have_attribute("placeholder", "Nachricht schreiben…")
    texts = list(HOSTILE_STRINGS.values())
    for text in texts:
        chat.send(text)
    expect(chat.messages).to_have_count(len(texts))
    chat.expect_state("waiting")
    conversation = demo.newest_conversation()
    for text in texts:
        demo.reply(conversation, text)
    expect(chat.messages).to_have_count(2 * len(texts))
    assert chat.messages.evaluate_all("all => all.map(e => e.textContent)") == texts * 2
    assert visit.page.title() == "Shop"
    assert chat.root.evaluate("html => html.scrollWidth - html.clientWidth") == 0
    assert chat.frame.locator(".row img, .row script").count() == 0
    assert visit.problems == []


STRICT_POLICY = (
    "default-src 'none'; script-src 'nonce-abc'; style-src 'none'; img-src 'none';"
    " connect-src {0}; frame-src {0}; require-trusted-types-for 'script'; trusted-types 'none'"
)


def test_the_composer_and_the_panel_fit_keyboards_and_screens(
    demo: Demo, visitor: Visitor, other_site: Callable[..., str]
) -> None:
    # A right-to-left page with a strict policy, in a window at a zoom of 200 %.
    policy = STRICT_POLICY.format(demo.address)
    options = {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2}
    visit = visitor(other_site('lang=en dir="rtl"', policy), **options, **REDUCED_MOTION)
    page, chat = visit.page, Chat(visit)
    visit.launcher.press("Enter")
    visit.wait_for_focus()
    expect(chat.root).to_have_attribute("dir", "rtl")

    # Shift+Enter and the Enter key of an input method start no message.
    keyboard = page.keyboard
    keyboard.type("one")
    keyboard.press("Shift+Enter")
    keyboard.type("two")
    chat.text.evaluate(
        "text => { for (const options of [{isComposing: true}, {keyCode: 229}]) text.dispatchEvent("
        "new KeyboardEvent('keydown', {key: 'Enter', bubbles: true, ...options})) }"
    )
    expect(chat.text).to_have_value("one\ntwo")
    expect(chat.messages).to_have_count(0)
    keyboard.press("Tab")
    expect(chat.button("Send")).to_be_focused()
    keyboard.press("Enter")
    expect(chat.messages).to_have_text(["one\ntwo"], use_inner_text=True)
    expect(chat.text).to_be_focused()
    chat.expect_state("waiting")

    # The composer grows, and shows the number of characters near the limit.
    height = "text => text.getBoundingClientRect().height"
    low = chat.text.evaluate(height)
    chat.text.fill("line\n" * 20)
    assert low < chat.text.evaluate(height) <= 150
    cases = ((3799, "$", True), (4000, "4,000", True), (4001, "4,001", False))
    for length, count, is_sendable in cases:
        chat.text.fill("\U0001f600" * length)
        expect(chat.frame.locator("#count")).to_have_text(re.compile(rf"^{count}"))
        assert chat.button("Send").is_enabled() == is_sendable
    chat.text.fill("")
    assert violations(page) == []

    # A phone's keyboard covers the window: only the visual viewport becomes lower.
    page.set_viewport_size({"width": 320, "height": 568})
    keyboard.press("Escape")
    expect(visit.launcher).to_be_focused()
    keyboard.press("Enter")
    visit.wait_for_focus()
    page.evaluate(
        """() => {
          for (const [name, value] of Object.entries({height: 300, offsetTop: 20}))
            Object.defineProperty(visualViewport, name, {get: () => value, configurable: true});
          visualViewport.dispatchEvent(new Event("resize"));
        }"""
    )
    assert visit.dialog.bounding_box() == {"x": 0, "y": 20, "width": 320, "height": 300}
    expect(chat.messages.last).to_be_in_viewport()
    expect(chat.text).to_be_in_viewport(ratio=1)

    # The page enters the back/forward cache, and returns.
    event = "(_, name) => dispatchEvent(new PageTransitionEvent(name, {persisted: true}))"
    chat.root.evaluate(event, "pagehide")
    streams = len([url for url in visit.requests if "/live/" in url])
    conversation = demo.newest_conversation()
    demo.reply(conversation, "Back again?")
    with page.expect_request("**/live/**"):
        chat.root.evaluate(event, "pageshow")
    assert len([url for url in visit.requests if "/live/" in url]) == streams + 1
    expect(chat.messages.last).to_have_text("Back again?")
    assert [line for line in visit.problems if "favicon" not in line] == []


def test_the_composer_is_usable_within_a_quarter_of_a_second(demo: Demo, visitor: Visitor) -> None:
    visit = visitor(f"{demo.address}/demo", **REDUCED_MOTION)
    visit.launcher.hover()
    visit.frame.locator("#text").wait_for(state="attached")
    visit.page.evaluate(
        "addEventListener('click', event => {"
        " window.clicked = performance.timeOrigin + event.timeStamp }, true)"
    )
    visit.frame.locator("#text").evaluate(
        "text => text.addEventListener('focus', () => requestAnimationFrame(() => {"
        " window.usable = performance.timeOrigin + performance.now() }))"
    )
    visit.open_widget()
    usable = visit.frame.locator("html").evaluate(
        "() => new Promise(done => { const check = () => window.usable ? done(window.usable)"
        " : setTimeout(check, 10); check(); })"
    )
    assert usable - visit.page.evaluate("window.clicked") < 250
