"""Decisions of representatives about the AI's drafts, by service and by API."""

from typing import Any

import pytest
from django.db import connection

from organizations.models import Prompt, User
from tests.support import factories
from tests.support.ai_webchats import create_ai_webchat
from tests.support.reply_races import approve_at_once
from webchats.conversations import services
from webchats.conversations.errors import ConversationClosed, DraftChanged
from webchats.conversations.filters import ConversationFilter
from webchats.conversations.models import Conversation, Draft, Message
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

SOURCES = [{"number": 1, "title": "Delivery", "link": "https://example.com/delivery"}]


@pytest.fixture
def webchat(admin: User) -> Webchat:
    """A webchat whose answers of the AI must be approved."""
    return create_ai_webchat(admin, is_autopilot=False)


@pytest.fixture
def draft(webchat: Webchat) -> Draft:
    """A draft that answers the visitor's first message."""
    conversation = send(webchat)
    return factories.DraftFactory.create(
        conversation=conversation, reply__sources=SOURCES, reply__model="small"
    )


def send(webchat: Webchat) -> Conversation:
    sent = services.send_visitor_message(
        webchat=webchat, visitor_id="a" * 32, text="When?", client_key=str(Message.objects.count())
    )
    return sent.message.conversation


def test_an_approved_draft_is_a_message_of_the_ai(draft: Draft, rep: User) -> None:
    message = services.approve_draft(draft=draft, user=rep, version=1)
    assert (message.author, message.text, message.sources) == ("ai", draft.text, SOURCES)
    assert (message.approved_by, message.reply, message.user) == (rep, draft.reply, None)
    draft.refresh_from_db()
    assert (draft.state, draft.sent_text, draft.decided_by) == ("sent", draft.text, rep)
    assert (draft.reply.state, draft.conversation.handler) == ("sent", "ai")
    assert not draft.is_edited


def test_an_edited_draft_keeps_its_own_text(draft: Draft, rep: User) -> None:
    message = services.approve_draft(draft=draft, user=rep, version=1, text="Tomorrow.")
    draft.refresh_from_db()
    assert message.text == draft.sent_text == "Tomorrow."
    assert (draft.text, draft.is_edited) == ("We deliver within three days.", True)


def test_other_line_ends_are_no_edit(draft: Draft, rep: User) -> None:
    Draft.objects.filter(pk=draft.pk).update(text="One\r\nTwo\rThree\n")
    services.approve_draft(draft=draft, user=rep, version=1, text="One\nTwo\r\nThree\r\n")
    draft.refresh_from_db()
    assert not draft.is_edited


def test_a_rejected_draft_calls_a_person(draft: Draft, rep: User) -> None:
    services.reject_draft(draft=draft, user=rep, version=1, reason="tone", comment="Too short")
    draft.refresh_from_db()
    assert (draft.state, draft.reason, draft.comment) == ("rejected", "tone", "Too short")
    draft.conversation.refresh_from_db()
    assert draft.conversation.handler == "waiting"
    texts = draft.conversation.messages.values_list("author", "event")
    assert list(texts) == [("visitor", ""), ("system", "handed_over")]


@pytest.mark.parametrize("first", ["approve", "reject", "take_over", "visitor"])
def test_a_later_decision_is_refused(webchat: Webchat, draft: Draft, rep: User, first: str) -> None:
    if first == "approve":
        services.approve_draft(draft=draft, user=rep, version=1)
    elif first == "reject":
        services.reject_draft(draft=draft, user=rep, version=1, reason="wrong")
    elif first == "take_over":
        services.take_over(conversation=draft.conversation, user=rep)
    else:
        send(webchat)
    before = draft.conversation.messages.count()
    with pytest.raises(DraftChanged):
        services.approve_draft(draft=draft, user=rep, version=1)
    with pytest.raises(DraftChanged):
        services.reject_draft(draft=draft, user=rep, version=1, reason="wrong")
    with pytest.raises(DraftChanged):
        services.edit_draft(draft=draft, user=rep, version=1)
    assert draft.conversation.messages.count() == before


def test_a_draft_of_a_deleted_webchat_is_superseded(
    webchat: Webchat, draft: Draft, rep: User
) -> None:
    webchat.delete()
    with pytest.raises(ConversationClosed):
        services.approve_draft(draft=draft, user=rep, version=1)
    draft.refresh_from_db()
    assert draft.state == "superseded"


@pytest.mark.django_db(transaction=True)
def test_of_many_approvals_at_once_one_sends(draft: Draft, rep: User) -> None:
    assert approve_at_once(draft, rep, threads=8) == (1, 7)
    assert Message.objects.filter(author="ai").count() == 1


# --- API ---


def test_the_document_of_a_draft(draft: Draft, rep: User, api: Any) -> None:
    document = api(rep).get(f"/api/drafts/{draft.pk}").json()["data"]
    assert (
        document.items()
        >= {
            "_id": draft.pk,
            "conversationId": draft.conversation_id,
            "state": "pending",
            "version": 1,
            "text": draft.text,
            "sentText": None,
            "reason": None,
            "promptVersion": 1,
            "model": "small",
            "sources": SOURCES,
            "basedOnSequence": 1,
            "isStale": False,
            "decidedBy": None,
            "decidedAt": None,
        }.items()
    )


def test_drafts_are_listed_by_state_and_conversation(draft: Draft, rep: User, api: Any) -> None:
    other = factories.DraftFactory.create(webchat__user=rep, state="superseded")
    client = api(rep)

    def ids(query: str) -> list[str]:
        return [row["_id"] for row in client.get(f"/api/drafts?{query}").json()["data"]]

    assert ids("") == [other.pk, draft.pk]
    assert ids("state=pending") == [draft.pk]
    assert ids(f"conversationId={other.conversation_id}") == [other.pk]
    assert client.get("/api/drafts?state=edited").status_code == 400


@pytest.mark.parametrize(("value", "count"), [("true", 1), ("false", 0)])
def test_conversations_are_filtered_by_pending_draft(
    draft: Draft, rep: User, api: Any, value: str, count: int
) -> None:
    response = api(rep).get(f"/api/conversations?hasDraft={value}")
    assert len(response.json()["data"]) == count


@pytest.mark.skipif(connection.vendor != "postgresql", reason="The plan of PostgreSQL.")
def test_no_draft_is_read_for_closed_conversations() -> None:
    query = {"state": "closed", "hasDraft": "true"}
    filterset = ConversationFilter(query, Conversation.objects.all())
    assert "One-Time Filter: false" in filterset.qs.explain()


def test_a_sales_rep_approves_and_rejects(
    webchat: Webchat, draft: Draft, rep: User, api: Any
) -> None:
    client = api(rep)
    response = client.post(f"/api/drafts/{draft.pk}/approve", {"version": 1, "text": "Tomorrow."})
    document = response.json()["data"]
    assert (document["state"], document["sentText"]) == ("sent", "Tomorrow.")
    assert document["decidedBy"] == rep.pk
    message = client.get(f"/api/conversations/{draft.conversation_id}/messages").json()["data"][-1]
    assert (
        message.items()
        >= {
            "author": "ai",
            "approvedBy": rep.pk,
            "replyId": draft.reply_id,
            "sources": SOURCES,
        }.items()
    )
    second = factories.DraftFactory.create(conversation=send(webchat))
    body = {"version": 1, "reason": "wrong"}
    response = client.post(f"/api/drafts/{second.pk}/reject", body)
    assert response.json()["data"]["state"] == "rejected"


def test_a_conflict_names_the_current_state(draft: Draft, rep: User, api: Any) -> None:
    client = api(rep)
    client.post(f"/api/drafts/{draft.pk}/approve", {"version": 1})
    response = client.post(f"/api/drafts/{draft.pk}/reject", {"version": 1, "reason": "wrong"})
    assert response.status_code == 409
    error = response.json()
    assert error["code"] == "draft_changed"
    assert error["details"][0].items() >= {"state": "sent", "version": 2}.items()


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("approve", {}, "version"),
        ("approve", {"version": 1, "text": " "}, "text"),
        ("approve", {"version": 1, "text": "x" * 4_001}, "text"),
        ("reject", {"version": 1, "reason": "boring"}, "reason"),
        ("edit", {"version": "new"}, "version"),
    ],
)
def test_an_invalid_decision_is_refused(
    draft: Draft, rep: User, api: Any, action: str, body: dict[str, object], field: str
) -> None:
    response = api(rep).post(f"/api/drafts/{draft.pk}/{action}", body)
    assert response.status_code == 400
    assert response.json()["details"][0]["field"] == field
    draft.refresh_from_db()
    assert draft.state == "pending"


def test_giving_back_by_api(draft: Draft, rep: User, api: Any) -> None:
    client, path = api(rep), f"/api/conversations/{draft.conversation_id}"
    client.post(f"{path}/take-over")
    response = client.post(f"{path}/give-back")
    assert response.json()["data"]["handler"] == "ai"
    Prompt.objects.update(is_active=False)
    client.post(f"{path}/take-over")
    response = client.post(f"{path}/give-back")
    assert (response.status_code, response.json()["code"]) == (409, "ai_unavailable")
