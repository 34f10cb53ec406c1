"""Random updates of the stream while a representative types: what is typed stays, and where."""

import re
from collections.abc import Callable
from random import Random

from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from organizations.models import User
from tests.browser.conftest import Visitor
from tests.browser.test_inbox import shop, streams, write
from tests.browser.test_inbox_team import kim, open_inbox
from tests.support import factories
from webchats.conversations import events, services
from webchats.conversations.models import Author, Conversation, DraftState
from webchats.conversations.presence import report_absence, report_presence, show_typing
from webchats.models import Webchat

__all__ = ["kim", "shop", "streams"]

#: Counts what would lose text or the caret, and how often the page was updated.
WATCH = """() => {
  window.blurred = [];
  const { dataset } = document.documentElement;
  dataset.updates = 0;
  document.addEventListener("htmx:after:swap", () => (dataset.updates = +dataset.updates + 1));
  document.addEventListener("focusout", ({ target }) => window.blurred.push(target.id));
}"""
#: Two or more updates of the page: it joins events.
SEVERAL = re.compile(r"[2-9]|\d\d")
SELECTION = "(field) => [field.selectionStart, field.selectionEnd]"
BEFORE, AFTER = "Dear Grace, ", " Yours, Ada"
LETTERS = "thank you for your message "


class Colleagues:
    """What visitors, colleagues and the AI do meanwhile, at random."""

    def __init__(self, opened: Conversation, others: list[Conversation], kim: User) -> None:
        self._random = Random(15)
        self._opened, self._others, self._kim = opened, others, kim
        self._count = 0

    def act(self) -> None:
        """Change one thing, of which the stream sends an event."""
        self._count += 1
        row = self._random.choice([self._opened, self._opened, *self._others])
        row.refresh_from_db()
        actions: list[Callable[[Conversation], object]] = [
            self._write,
            self._write,
            self._look,
            self._leave,
            self._type,
            self._assign,
            self._draft,
            self._annotate,
            self._close_another,
        ]
        self._random.choice(actions)(row)

    def _write(self, row: Conversation) -> None:
        assert row.webchat
        write(row.webchat, row.contact.name, f"Message {self._count}")

    def _look(self, row: Conversation) -> None:
        report_presence(organization_id=row.organization_id, user=self._kim, conversation=row)

    def _leave(self, row: Conversation) -> None:
        report_absence(user=self._kim, conversation=row)

    def _type(self, row: Conversation) -> None:
        show_typing(row, self._kim)
        events.typing(row, Author.VISITOR, "")

    def _assign(self, row: Conversation) -> None:
        assignee = self._random.choice([self._kim, None])
        services.assign(conversation=row, assignee=assignee)

    def _draft(self, row: Conversation) -> None:
        draft = row.drafts.filter(state=DraftState.PENDING).first()
        if draft is None:
            draft = factories.DraftFactory.create(conversation=row)
            events.draft_changed(row, draft)
        else:
            services.reject_draft(
                draft=draft, user=self._kim, version=draft.version, reason="wrong"
            )

    def _annotate(self, row: Conversation) -> None:
        services.add_note(conversation=row, user=self._kim, text=f"Note {self._count}")

    def _close_another(self, row: Conversation) -> None:
        if row == self._opened:
            row = self._others[0]
            row.refresh_from_db()
        change = services.reopen if row.state == "closed" else services.close
        change(conversation=row, user=self._kim)


def type_meanwhile(page: Page, field: Locator, colleagues: Colleagues, updates: int) -> None:
    """Type into the middle of a field, a character for each update, then select some of it."""
    field.fill(BEFORE + AFTER)
    field.evaluate("(field, at) => field.setSelectionRange(at, at)", len(BEFORE))
    page.evaluate("() => { document.documentElement.dataset.updates = 0; window.blurred = []; }")
    typed = (LETTERS * updates)[: updates - 10]
    for letter in typed:
        colleagues.act()
        page.keyboard.type(letter)
    end = len(BEFORE + typed)
    assert field.input_value() == BEFORE + typed + AFTER
    assert field.evaluate(SELECTION) == [end, end]
    for _ in range(5):
        page.keyboard.press("Shift+ArrowLeft")
    for _ in range(10):
        colleagues.act()
    expect(page.locator("html")).to_have_attribute("data-updates", SEVERAL)
    assert field.evaluate(SELECTION) == [end - 5, end]
    expect(field).to_be_focused()
    expect(field).to_have_value(BEFORE + typed + AFTER)
    assert page.evaluate("window.blurred") == []


def test_typed_text_caret_and_focus_survive_100_updates(
    visitor: Visitor,
    live_server: LiveServer,
    streams: str,
    ada: User,
    kim: User,
    shop: Webchat,
) -> None:
    opened, *others = (write(shop, name, "Hello") for name in ("Grace", "Hedy", "Joan", "Mary"))
    visit = open_inbox(visitor, live_server, streams, ada)
    page = visit.page
    page.locator(f"#row-{opened.pk}").click()
    text = page.get_by_label("Message", exact=True)
    expect(text).to_be_focused()
    page.evaluate(WATCH)
    colleagues = Colleagues(opened, others, kim)
    type_meanwhile(page, text, colleagues, 40)
    page.get_by_role("link", name="Edit").click()
    type_meanwhile(page, page.get_by_label("Name"), colleagues, 30)
    search = page.get_by_role("searchbox", name="Search conversations")
    type_meanwhile(page, search, colleagues, 30)
    # What was typed before, elsewhere, is there too.
    expect(page.get_by_label("Name")).to_have_value(re.compile(f"^{BEFORE}.*{AFTER}$"))
    expect(text).to_have_value(re.compile(f"^{BEFORE}.*{AFTER}$"))
    assert visit.problems == []
