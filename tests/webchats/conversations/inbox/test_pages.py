"""The pages of the inbox: views, filters, keyset pages, the thread, escaping and queries."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from organizations.models import User
from tests.support import factories
from tests.support.clients import log_in, token_client
from tests.webchats.conversations.inbox.conftest import answer, write
from webchats.conversations import services
from webchats.conversations.inbox import pages, threads
from webchats.conversations.inbox.built_in_views import BuiltInView
from webchats.conversations.models import Author, Contact, Conversation, Draft, Message, Reply
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

LIST = reverse("inbox:list")
NOW = datetime(2030, 1, 2, 12, tzinfo=UTC)


def rows_of(page: str) -> list[str]:
    """Return the ids of the listed conversations in order."""
    return re.findall(r'id="row-(\w+)"', page)


def get_rows(client: Client, **query: str) -> list[str]:
    return rows_of(client.get(LIST, query).content.decode())


def get_thread_page(client: Client, conversation: Conversation, **options: Any) -> str:
    url = reverse("inbox:conversation", args=[conversation.pk])
    return client.get(url, options.pop("query", {}), **options).content.decode()


def get_view(client: Client, query_string: str) -> list[str]:
    """Return the rows of a view by its query string."""
    return rows_of(client.get(f"{LIST}?{query_string}").content.decode())


def test_views_list_their_conversations(webchat: Webchat, admin: User, rep: User) -> None:
    waiting, mine, theirs, closed = (write(webchat, visitor_id=letter * 32) for letter in "abcd")
    answer(mine, rep)
    answer(theirs, admin)
    services.close(conversation=closed, user=admin)
    client = log_in(rep)
    assert {view.label: get_view(client, view) for view in BuiltInView} == {
        "Waiting": [waiting.pk],
        "Mine": [mine.pk],
        "Unassigned": [waiting.pk],
        "Drafts": [],
        "Open": [theirs.pk, mine.pk, waiting.pk],
        "Closed": [closed.pk],
    }
    page = client.get(f"{LIST}?{BuiltInView.MINE}").content.decode()
    current = re.findall(r'<a id="view-(\w+)"[^>]*aria-current', page)
    assert current == ["mine"]
    counts = re.findall(r'class="count count-(\w+)">(.+?)<', page)
    assert counts == [("waiting", "1"), ("mine", "1"), ("unassigned", "1")]


def test_list_is_filtered_by_its_query_string(webchat: Webchat, rep: User) -> None:
    stage = factories.StageFactory.create(pipeline__organization=webchat.organization)
    with time_machine.travel(NOW, tick=False) as traveller:
        old, shop, lead = (write(webchat, visitor_id=letter * 32) for letter in "abc")
        traveller.shift(timedelta(days=1))
        other = factories.WebchatFactory.create(user=webchat.user, name="Other")
        recent = write(other, "Where is my tent?", visitor_id="d" * 32)
        services.mark_read(conversation=shop, reader=Author.REP, sequence=1)
        Conversation.objects.filter(pk=shop.pk).update(rating_score=2, rated_at=NOW)
        lead.contact.pipeline, lead.contact.stage = stage.pipeline, stage
        lead.contact.save()
        traveller.shift(60)
        answer(old, rep)
        client = log_in(rep)
        client.cookies["time_zone"] = "Asia/Tokyo"
        for query, expected in {
            f"webchatId={other.pk}": [recent],
            "handler=rep": [old],
            f"assigneeId={rep.pk}": [old],
            f"stageId={stage.pk}": [lead],
            "rating=2": [shop],
            "unread=true": [recent, lead],
            "unread=true&webchatId=nonsense": [recent, lead],
            "lastMessageFrom=2030-01-03": [old, recent],
            "lastMessageTo=2030-01-02&state=open": [lead, shop],
            "search=tent": [recent],
            "search=+": [old, recent, lead, shop],
            "state=": [old, recent, lead, shop],
            # Invalid values are left out.
            "state=x": [old, recent, lead, shop],
            "lastMessageTo=9999-12-31": [old, recent, lead, shop],
            # Without a filter, the waiting are listed.
            "cursor=": [*sorted([shop, lead], key=lambda row: row.pk), recent],
        }.items():
            assert get_view(client, query) == [row.pk for row in expected], query


def test_filter_form_offers_the_rows_of_the_organization(
    webchat: Webchat, rep: User, rep_client: Client, other_admin: User
) -> None:
    foreign = factories.WebchatFactory.create(user=other_admin)
    query = f"webchatId={webchat.pk}&unread=true&filters=1"
    page = rep_client.get(f"{LIST}?{query}").content.decode()
    assert f'<option value="{webchat.pk}" selected>' in page
    assert f'<option value="{rep.pk}">' in page
    assert re.search('name="unread"[^>]*checked', page)
    for secret in (foreign.pk, other_admin.pk):
        assert secret not in page
    # The form sends its empty fields, which the address leaves out.
    response = rep_client.get(f"{LIST}?state=&handler=&unread=true&filters=1")
    assert response.headers["HX-Push-Url"] == f"{LIST}?unread=true&filters=1"
    response = rep_client.get(f"{LIST}?state=&part=list", headers={"HX-Request": "true"})
    assert "HX-Push-Url" not in response.headers


@pytest.mark.parametrize("view", [BuiltInView.WAITING, BuiltInView.OPEN])
def test_next_page_continues_after_the_last_row(
    view: BuiltInView, webchat: Webchat, rep_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE_SIZE", 2)
    with time_machine.travel(NOW, tick=False):
        pks = [write(webchat, visitor_id=f"{number:032x}").pk for number in range(5)]
    # Same times in pairs, and one without: the assignee has been deactivated after an answer.
    for number, pk in enumerate(pks):
        moment = NOW + timedelta(minutes=number // 2)
        rows = Conversation.objects.filter(pk=pk)
        rows.update(last_message_at=moment, waiting_since=moment if number < 4 else None)
    expected = sorted(pks) if view == BuiltInView.WAITING else sorted(pks, reverse=True)
    seen: list[str] = []
    query: str | None = view.value
    while query is not None:
        page = rep_client.get(f"{LIST}?{query}").content.decode()
        seen += rows_of(page)
        match = re.search(r'href="[^"?]*\?([^"]*)"[^>]*>Next page', page)
        query = match[1].replace("&amp;", "&") if match else None
    assert seen == expected


@pytest.mark.parametrize(
    ("text", "preview"),
    [
        ("**Sizes** are *large*, _medium_ and `s_m_all`", "Sizes are large, medium and s_m_all"),
        ("See [our shop](https://example.com/a_b_c).", "See our shop."),
        ("2 * 3 * 4 is a_b_c, **not", "2 * 3 * 4 is a_b_c, **not"),
        ("`<b>`", "&lt;b&gt;"),
    ],
)
def test_row_shows_the_text_without_markdown(
    text: str, preview: str, webchat: Webchat, rep_client: Client
) -> None:
    write(webchat, text)
    page = rep_client.get(LIST).content.decode()
    assert re.findall(r'class="row-text">(.*?)</span>', page) == [preview]


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "~",
        "2030-99-99~1",
        "2030-01-01~1",
        "~x",
        "é~\ud7ff",
        "0001-01-01T00:00:00+14:00~1",
        "9999-12-31T23:59:59-14:00~1",
    ],
)
def test_invalid_cursor_shows_a_page(
    cursor: str, rep_client: Client, conversation: Conversation
) -> None:
    for handler in ("waiting", ""):
        query = {"state": "open", "handler": handler, "cursor": cursor}
        response = rep_client.get(LIST, query)
        assert response.status_code == 200


def test_thread_has_days_events_and_notes_in_order(webchat: Webchat, rep: User) -> None:
    with time_machine.travel(NOW, tick=False) as traveller:
        conversation = write(webchat, "First")
        traveller.shift(timedelta(days=1))
        services.add_note(conversation=conversation, user=rep, text="Noted")
        traveller.shift(60)
        answer(conversation, rep, "Second")
        services.close(conversation=conversation, user=rep)
        page = get_thread_page(log_in(rep), conversation)
    shown = re.findall(
        r'<h3 class="day".*?<span>(.+?)</span>|<div class="text".*?>(.+?)</div>'
        r'|<p class="event".*?>(.+?) · ',
        page,
    )
    assert [day or text or event for day, text, event in shown] == [
        "Yesterday",
        "First",
        "Today",
        "Noted",
        f"{rep.public_name} joined",
        "Second",
        f"{rep.public_name} closed the conversation",
    ]


def test_rating_is_beside_the_thread_as_text(webchat: Webchat, rep: User) -> None:
    conversation = write(webchat)
    services.close(conversation=conversation)
    client = log_in(rep)
    assert "<h3>Rating</h3>" not in get_thread_page(client, conversation)
    services.rate(conversation=conversation, score=4, comment="<b hx-get=/>Fine</b>")
    page = get_thread_page(client, conversation)
    assert '<span class="stars" aria-hidden="true">★★★★☆</span> 4 of 5' in page
    assert ">&lt;b hx-get=/&gt;Fine&lt;/b&gt;</blockquote>" in page
    assert "The visitor rated the conversation · " in page


def test_times_are_those_of_the_browser(webchat: Webchat, rep: User) -> None:
    with time_machine.travel(NOW, tick=False):
        client, conversation = log_in(rep), write(webchat)
        for zone, time in (("Asia/Tokyo", "21:00"), ("../etc/passwd", "12:00"), ("", "12:00")):
            client.cookies["time_zone"] = zone
            assert f">{time}</time>" in get_thread_page(client, conversation)


def test_long_thread_has_pages(
    webchat: Webchat, rep: User, rep_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "PAGE_SIZE", 2)
    conversation = write(webchat, "Message 1")
    services.add_note(conversation=conversation, user=rep, text="Note 1")
    for number in range(2, 6):
        write(webchat, f"Message {number}")
        services.add_note(conversation=conversation, user=rep, text=f"Note {number}")
    page = get_thread_page(rep_client, conversation)
    pages = [page]
    while match := re.search(r"before=(\d+)\">Earlier", page):
        page = get_thread_page(rep_client, conversation, query={"before": match[1]})
        pages.append(page)
    texts = [re.findall(r"[MN]\w+ \d(?=</div>)", page) for page in pages]
    assert texts == [
        ["Message 4", "Note 4", "Message 5", "Note 5"],
        ["Message 2", "Note 2", "Message 3", "Note 3"],
        ["Message 1", "Note 1"],
    ]
    assert 'before=4">Later' in page


def test_page_of_a_thread_with_long_edited_drafts_is_small(
    conversation: Conversation, rep_client: Client
) -> None:
    replies = [
        Reply(conversation=conversation, state="sent", based_on_sequence=1) for _ in range(20)
    ]
    Reply.objects.bulk_create(replies)
    options: dict[str, Any] = {
        "conversation": conversation,
        "organization": conversation.organization,
    }
    Draft.objects.bulk_create(
        Draft(
            **options,
            reply=reply,
            state="sent",
            text="🌍" * 4_000,
            sent_text="🙂" * 4_000,
            based_on_sequence=1,
        )
        for reply in replies
    )
    Message.objects.bulk_create(
        Message(**options, sequence=n, author="ai", reply=reply, text="🙂" * 4_000)
        for n, reply in enumerate(replies, 2)
    )
    Conversation.objects.update(last_sequence=21)
    page = get_thread_page(rep_client, conversation)
    assert len(page.encode()) < 256 * 1024
    assert page.count("🙂" * 4_000) == 2 * 2
    assert 'before=20">Earlier' in page


def test_link_to_the_page_is_labeled_with_its_address(webchat: Webchat, rep_client: Client) -> None:
    conversation = services.send_visitor_message(
        webchat=webchat,
        visitor_id="a" * 32,
        text="Hello",
        client_key="key",
        page={"url": "https://evil.example/", "title": "https://bank.example/"},
    ).message.conversation
    page = get_thread_page(rep_client, conversation)
    links = dict(re.findall(r'<a href="(https:[^"]+)"[^>]*>([^<]*)</a>', page))
    assert links == {"https://evil.example/": "https://evil.example/"}
    assert "https://bank.example/" in page


def test_text_names_and_pages_are_escaped(webchat: Webchat, rep: User, rep_client: Client) -> None:
    evil = '<img src=x onerror="x()" hx-get="/admin/">'
    webchat.name = evil
    webchat.save()
    conversation = services.send_visitor_message(
        webchat=webchat,
        visitor_id="a" * 32,
        text=evil,
        client_key="key",
        contact={"name": evil, "phone": "<b>1"},
        page={"url": "https://example.com/%22%3E", "title": evil},
    ).message.conversation
    contact = conversation.contact
    contact.email, contact.page_url = '"><b>"@example.com', "javascript:alert(1)"
    contact.save()
    services.add_note(conversation=conversation, user=rep, text=evil)
    rep.full_name = evil
    rep.save()
    answer(conversation, rep, evil)
    rep.display_name = evil
    rep.save()
    services.assign(conversation=conversation, assignee=rep)
    query = {"state": "open", "cursor": evil}
    fragment = get_thread_page(
        rep_client, conversation, headers={"HX-Request": "true"}, query=query
    )
    for page in (fragment, get_thread_page(rep_client, conversation, query=query)):
        assert "<img src=x" not in page
        assert "<b>" not in page
        assert "javascript:" not in page
        assert page.count("&lt;img src=x onerror=&quot;x()&quot; hx-get=") >= 6
    # htmx ignores the content of messages, whatever it is.
    for element in re.findall(r"<(?:div|blockquote)[^>]*data-message-text[^>]*>", fragment):
        assert "hx-ignore" in element


def test_number_of_queries_does_not_depend_on_the_rows(
    webchat: Webchat,
    rep: User,
    rep_client: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    conversation = write(webchat)
    # Session, user; counts, saved views, list; conversation, messages and their sizes,
    # notes, draft, unsent text, colleagues and other conversations; the AI's provider, knowledge
    # and failure.
    fragment = {"headers": {"HX-Request": "true"}, "query": {"state": "open"}}
    with django_assert_num_queries(16):
        get_thread_page(rep_client, conversation, **fragment)
    for number in range(4):
        other = write(webchat, visitor_id=f"{number:032x}")
        factories.UserFactory.create(organization=rep.organization)
        services.assign(conversation=other, assignee=rep)
        answer(conversation, rep, f"Answer {number}")
        services.add_note(conversation=conversation, user=rep, text="Note")
    # The visitor does not wait for the AI any more.
    with django_assert_num_queries(15):
        page = get_thread_page(rep_client, conversation, **fragment)
    assert len(rows_of(page)) == 5
    # The list alone: session, user, conversation, counts, saved views, rows.
    fragment["query"]["part"] = "list"
    with django_assert_num_queries(6):
        page = get_thread_page(rep_client, conversation, **fragment)
    assert len(rows_of(page)) == 5
    assert "data-conversation" not in page


def test_thread_and_drafts_do_not_read_instructions(webchat: Webchat, rep: User) -> None:
    """They have 20,000 characters, in each of a hundred rows."""
    conversation = write(webchat)
    draft = factories.DraftFactory.create(conversation=conversation)
    Message.objects.update(reply=draft.reply)
    with CaptureQueriesContext(connection) as queries:
        page = get_thread_page(log_in(rep), conversation, query={"state": "open"})
        drafts = token_client(rep).get("/api/drafts")
    assert draft.text in page
    assert [row["_id"] for row in drafts.json()["data"]] == [draft.pk]
    assert not [query["sql"] for query in queries if "instructions" in query["sql"]]


@pytest.mark.parametrize("view", BuiltInView)
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_list_takes_five_queries(
    view: BuiltInView,
    headers: dict[str, str],
    conversation: Conversation,
    rep_client: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    # Session, user, counts, saved views, rows.
    with django_assert_num_queries(5):
        rep_client.get(f"{LIST}?{view}", headers=headers)


def test_row_shows_waiting_time_draft_and_color(webchat: Webchat, rep: User) -> None:
    with time_machine.travel(NOW, tick=False) as traveller:
        first, second, third = (write(webchat, visitor_id=letter * 32) for letter in "abc")
        for row, minutes in ((first, 12), (second, 5), (third, 1)):
            since = NOW - timedelta(minutes=minutes)
            Conversation.objects.filter(pk=row.pk).update(waiting_since=since)
        factories.DraftFactory.create(conversation=second)
        traveller.shift(1)
        page = log_in(rep).get(f"{LIST}?state=open&handler=waiting").content.decode()
    assert rows_of(page) == [first.pk, second.pk, third.pk]
    assert re.findall(r'class="row-time is-waiting ([\w-]*)">(.+?)</span>', page) == [
        ("is-overdue", "waiting 12 min"),
        ("is-late", "waiting 5 min"),
        ("", "waiting 1 min"),
    ]
    drafts = re.findall(r'id="row-(\w+)"|class="row-draft">(Draft)<', page)
    assert [pk or text for pk, text in drafts] == [first.pk, second.pk, "Draft", third.pk]
    assert page.count(f'fill="{webchat.primary_color}"') == 3


def test_visitors_without_a_name_are_told_apart(webchat: Webchat, rep_client: Client) -> None:
    rows = [write(webchat, visitor_id=letter * 32) for letter in "ab"]
    Contact.objects.update(name="")
    page = rep_client.get(f"{LIST}?state=open").content.decode()
    names = re.findall(r'class="row-name">(.+?)</span>', page)
    assert names == [f"Visitor {row.contact_id[-4:]}" for row in reversed(rows)]
    assert len({*names}) == 2


def test_thread_shows_how_long_the_visitor_of_a_colleague_waits(
    webchat: Webchat, rep: User, rep_client: Client
) -> None:
    conversation = write(webchat)
    answer(conversation, rep)
    page = reverse("inbox:conversation", args=[conversation.pk])
    assert ">Open</span>" in rep_client.get(page).content.decode()
    write(webchat, "And now?")
    assert 'badge-warn">Unanswered for ' in rep_client.get(page).content.decode()
    # "Waiting" is the view of those whom nobody has answered yet.
    listed = rep_client.get(f"{LIST}?state=open").content.decode()
    assert re.search(r"is-waiting [^>]*>unanswered [&<]", listed)


def test_title_has_the_number_of_waiting_conversations(
    conversation: Conversation, rep_client: Client
) -> None:
    assert "<title>(1) Inbox | Webchats</title>" in get_thread_page(rep_client, conversation)


def test_large_numbers_are_capped(conversation: Conversation, rep_client: Client) -> None:
    rows = [
        factories.ConversationFactory.build(
            organization=conversation.organization,
            webchat=conversation.webchat,
            contact=conversation.contact,
        )
        for _ in range(100)
    ]
    Conversation.objects.bulk_create(rows)
    assert "<title>(99+) Inbox | Webchats</title>" in get_thread_page(rep_client, conversation)


def test_visitor_has_seen_the_answer(
    conversation: Conversation, rep: User, rep_client: Client
) -> None:
    answer(conversation, rep)
    assert '<p class="seen">Sent</p>' in get_thread_page(rep_client, conversation)
    last = Message.objects.filter(conversation=conversation).count()
    services.mark_read(conversation=conversation, reader=Author.VISITOR, sequence=last)
    assert '<p class="seen">Seen</p>' in get_thread_page(rep_client, conversation)


def test_receipt_is_below_the_answer_and_not_below_a_later_note(
    conversation: Conversation, rep: User, rep_client: Client
) -> None:
    answer(conversation, rep)
    services.add_note(conversation=conversation, user=rep, text="Refund is fine")
    page = get_thread_page(rep_client, conversation)
    assert page.index('<p class="seen">') < page.index("Refund is fine")


def test_composer_shows_that_the_webchat_is_disabled(
    conversation: Conversation, webchat: Webchat, rep_client: Client
) -> None:
    assert "The visitor sees it." in get_thread_page(rep_client, conversation)
    Webchat.objects.update(is_enabled=False)
    page = get_thread_page(rep_client, conversation)
    assert f"{webchat} is disabled: the visitor sees it when it is enabled again." in page


def test_conversation_of_a_deleted_webchat_is_shown(
    conversation: Conversation, webchat: Webchat, rep_client: Client
) -> None:
    webchat.delete()
    page = get_thread_page(rep_client, conversation)
    assert "The webchat was deleted: the visitor would not see a reply." in page
    assert "Add note" in page
    assert "Reopen" not in page
    assert 'value="reply"' not in page
    assert "<dd>Deleted</dd>" in page


def test_page_shows_refusals_in_debug_mode_too(rep_client: Client, settings: Settings) -> None:
    settings.DEBUG = True
    page = rep_client.get(reverse("inbox:list")).content.decode()
    assert "htmx-4.min" in page
    # It makes htmx ignore responses such as 409 and 422.
    assert "django-htmx" not in page
