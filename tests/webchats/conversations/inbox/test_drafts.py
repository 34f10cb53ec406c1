"""Drafts of the AI in the inbox: the editor, its decisions, and how an answer was made."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from organizations.models import User
from tests.support import factories
from tests.support.clients import log_in
from tests.webchats.conversations.inbox.conftest import Act, write
from webchats.conversations import services
from webchats.conversations.inbox import rejected_drafts, threads
from webchats.conversations.models import Conversation, Draft, Message, Reply
from webchats.conversations.word_diff import DiffPart

pytestmark = pytest.mark.django_db

TEXT = "We <b>deliver</b> within three days."
SOURCES = [{"number": 1, "title": "Delivery", "link": "https://example.com/delivery"}]


@pytest.fixture
def draft(conversation: Conversation) -> Draft:
    """A pending draft for the conversation."""
    return make_draft(conversation)


def make_draft(conversation: Conversation) -> Draft:
    Conversation.objects.filter(pk=conversation.pk).update(handler="ai")
    reply = factories.ReplyFactory.create(
        conversation=conversation,
        state="drafted",
        is_draft=True,
        sources=SOURCES,
        knowledge=["a" * 24],
        model="model-1",
        prompt_version=7,
        total_ms=1234,
    )
    draft: Draft = factories.DraftFactory.create(conversation=conversation, reply=reply, text=TEXT)
    return draft


def page_of(client: Client, conversation: Conversation, **query: str) -> str:
    url = reverse("inbox:conversation", args=[conversation.pk], query=query)
    return client.get(url).content.decode()


def test_draft_is_listed_and_shown_with_its_origin(
    rep_client: Client, conversation: Conversation, draft: Draft
) -> None:
    page = page_of(rep_client, conversation, hasDraft="true")
    assert f'id="item-{conversation.pk}"' in page
    assert ">Draft to approve</span>" in page
    assert ">Automatic answers</span>" not in page
    assert "We &lt;b&gt;deliver&lt;/b&gt; within three days.</textarea>" in page
    for origin in ("version 7", "model-1", "Delivery", "1 given", "1,234 ms in all"):
        assert origin in page


@pytest.mark.parametrize(("text", "is_edited"), [(TEXT, False), ("In\r\ntwo days.", True)])
def test_approved_draft_is_sent_and_its_changes_are_shown(
    act: Act,
    rep: User,
    rep_client: Client,
    conversation: Conversation,
    draft: Draft,
    text: str,
    is_edited: bool,
) -> None:
    response = act("approve", {"version": 1, "text": text})
    assert response.status_code == 302
    message = Message.objects.get(author="ai")
    assert (message.text, message.approved_by) == (text.replace("\r\n", "\n"), rep)
    draft.refresh_from_db()
    assert (draft.state, draft.is_edited, conversation.handler) == ("sent", is_edited, "ai")
    page = page_of(rep_client, conversation)
    assert f"approved by {rep.get_full_name()}" in page
    assert ("<del>" in page, "<ins>" in page) == (is_edited, is_edited)
    # Only the sources of the answer may become links.
    assert 'data-sources="[{' in page


def test_words_of_the_newest_edited_drafts_are_compared(
    conversation: Conversation, rep: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "PAGE_BUDGET", 10)
    for _ in range(3):
        draft = make_draft(conversation)
        services.approve_draft(draft=draft, version=1, user=rep, text=f"Sir, {TEXT}")
    [day] = threads.get_thread(conversation).days
    changes = [entry.changes for entry in day.entries if entry.changes]
    assert [len(parts) for parts in changes] == [2, 2, 3]
    assert changes[0] == [DiffPart("deleted", TEXT), DiffPart("inserted", f"Sir, {TEXT}")]


def test_rejected_draft_calls_a_person(
    act: Act, rep: User, rep_client: Client, conversation: Conversation, draft: Draft
) -> None:
    act("reject", {"version": 1, "reason": "missing_knowledge", "comment": "No dates"})
    draft.refresh_from_db()
    assert (draft.state, draft.reason, draft.comment) == (
        "rejected",
        "missing_knowledge",
        "No dates",
    )
    assert conversation.handler == "waiting"
    assert not Message.objects.filter(author="ai").exists()
    page = page_of(rep_client, conversation)
    assert f"Draft rejected by {rep.get_full_name()} (missing knowledge): No dates" in page
    assert "Show the draft" in page
    # Its addresses do not become links.
    assert 'data-sources="[]" hx-ignore>We &lt;b&gt;deliver&lt;/b&gt; within three days.<' in page


def test_texts_of_rejected_drafts_are_limited_by_their_size(
    conversation: Conversation, rep: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejected_drafts, "MAX_BYTES", 2 * len(TEXT) + 1)
    for _ in range(3):
        draft = make_draft(conversation)
        services.reject_draft(draft=draft, version=1, user=rep, reason="tone")
    conversation.refresh_from_db()
    [day] = threads.get_thread(conversation).days
    shown = [entry.draft_text for entry in day.entries if "rejected" in entry.text]
    assert shown == ["", TEXT, TEXT]


@pytest.mark.parametrize(
    ("name", "values", "status"),
    [
        ("approve", {"version": 2, "text": "Mine"}, 409),
        ("approve", {"version": 1, "text": " "}, 422),
        ("approve", {"version": "x", "text": "Mine"}, 422),
        ("approve", {"text": "Mine"}, 422),
        ("reject", {"version": 1, "reason": "unknown"}, 422),
        ("approve-next", {"version": 2, "text": "Mine"}, 409),
    ],
)
def test_decision_that_does_not_fit_changes_nothing_and_keeps_the_text(
    act: Act, draft: Draft, name: str, values: dict[str, Any], status: int
) -> None:
    response = act(name, values)
    assert response.status_code == status
    page = response.content.decode()
    assert 'role="alert"' in page
    assert f">{values.get('text', '').strip()}" in page
    draft.refresh_from_db()
    assert draft.state == "pending"
    assert not Message.objects.filter(author="ai").exists()


@pytest.mark.parametrize("text", ["", "  "])
def test_empty_answer_is_refused_with_the_choices(act: Act, draft: Draft, text: str) -> None:
    page = act("approve", {"version": 1, "text": text}).content.decode()
    assert "The answer is empty. Write one, or reject the draft." in page


def test_second_decision_is_told_the_state(act: Act, admin: User, draft: Draft) -> None:
    services.approve_draft(draft=draft, user=admin, version=1)
    response = act("approve", {"version": 1, "text": "Mine"})
    assert response.status_code == 409
    text = f"{admin.get_full_name()} has sent the draft meanwhile. What you have written is below."
    assert text in response.content.decode()
    assert Message.objects.filter(author="ai").count() == 1


@pytest.mark.parametrize(
    ("name", "values", "status"),
    [
        ("approve", {"text": "Mine"}, 409),
        ("approve-next", {"text": TEXT}, 409),
        ("reject", {"reason": "tone"}, 409),
        ("edit-draft", {}, 409),
        ("approve", {"text": "Mine", "draft": "0" * 24}, 422),
        ("edit-draft", {"draft": ""}, 409),
    ],
)
def test_decision_on_a_replaced_draft_leaves_the_new_one(
    act: Act, draft: Draft, name: str, values: dict[str, Any], status: int
) -> None:
    Draft.objects.filter(pk=draft.pk).update(state="superseded")
    newest = make_draft(draft.conversation)
    response = act(name, {"version": 1, "draft": draft.pk} | values)
    assert response.status_code == status
    newest.refresh_from_db()
    assert (newest.state, newest.editing_by) == ("pending", None)
    assert not Message.objects.filter(author="ai").exists()
    if name == "approve":
        assert f'name="draft" value="{newest.pk}"' in response.content.decode()


def test_draft_of_another_conversation_is_not_decided(act: Act, draft: Draft) -> None:
    webchat = draft.conversation.webchat
    assert webchat is not None
    other = make_draft(write(webchat, visitor_id="b" * 32))
    assert act("approve", {"version": 1, "text": "Mine", "draft": other.pk}).status_code == 422
    assert Draft.objects.pending().count() == 2


def test_approve_next_opens_the_draft_that_waits_longest(act: Act, draft: Draft) -> None:
    webchat = draft.conversation.webchat
    assert webchat is not None
    other = write(webchat, visitor_id="b" * 32)
    make_draft(other)
    factories.DraftFactory.create()
    response = act("approve-next", {"version": 1, "text": TEXT}, query_params={"hasDraft": "true"})
    path = reverse("inbox:conversation", args=[other.pk])
    assert response.headers["Location"] == f"{path}?hasDraft=true"
    newest = Draft.objects.get(conversation=other)
    services.reject_draft(
        draft=newest, user=factories.SuperuserFactory.create(), version=1, reason="tone"
    )
    make_draft(draft.conversation)
    version = {"version": 1, "text": TEXT}
    response = act("approve-next", version, headers={"HX-Request": "true"})
    assert response.status_code == 200
    assert response.headers["HX-Push-Url"].startswith(reverse("inbox:list"))


def test_edited_draft_is_kept_when_the_visitor_writes(
    act: Act, rep: User, conversation: Conversation, draft: Draft
) -> None:
    assert act("edit-draft", {"version": 1}).status_code == 204
    draft.refresh_from_db()
    assert draft.editing_by == rep
    assert act("edit-draft", {"version": 2}).status_code == 409
    services.reject_draft(draft=draft, user=rep, version=draft.version, reason="tone")
    assert act("edit-draft", {"version": 1}).status_code == 409


def test_conversation_is_given_back_to_automatic_answers(
    act: Act, rep_client: Client, conversation: Conversation
) -> None:
    assert "Give back to" not in page_of(rep_client, conversation)
    assert act("give-back").status_code == 409
    factories.KnowledgeEntryFactory.create(organization=conversation.organization)
    assert "Give back to automatic answers" in page_of(rep_client, conversation)
    act("give-back")
    assert conversation.handler == "ai"
    assert ">Automatic answers</span>" in page_of(rep_client, conversation)


@pytest.mark.parametrize(
    ("model", "label", "title"),
    [("model-1", "AI", "the AI"), ("", "Automatic answer", "an automatic answer")],
)
def test_answer_without_a_model_is_not_called_an_answer_of_the_ai(
    rep_client: Client, conversation: Conversation, model: str, label: str, title: str
) -> None:
    draft = make_draft(conversation)
    draft.reply.model = model
    draft.reply.save()
    conversation.messages.create(author="ai", text="Four.", reply=draft.reply, sequence=50)
    page = page_of(rep_client, conversation)
    assert f">Draft of {title}</strong>" in page
    assert f">{label}</span>" in page


@pytest.mark.parametrize("name", ["approve", "approve-next", "reject", "edit-draft", "give-back"])
def test_draft_of_another_organization_does_not_exist(
    other_admin: User, conversation: Conversation, draft: Draft, name: str
) -> None:
    url = reverse(f"inbox:{name}", args=[conversation.pk])
    response = log_in(other_admin).post(url, {"version": 1, "text": TEXT, "reason": "tone"})
    assert response.status_code == 404
    assert Reply.objects.filter(state="drafted").exists()


def test_reason_why_the_ai_has_not_answered_is_shown(
    rep_client: Client, conversation: Conversation
) -> None:
    factories.ReplyFactory.create(
        conversation=conversation, state="failed", error="The account has no <b>credit</b> left."
    )
    page = page_of(rep_client, conversation)
    assert "No automatic answer: The account has no &lt;b&gt;credit&lt;/b&gt; left." in page
