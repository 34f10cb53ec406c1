"""The compiled look-ups of a reply find what the plain queries find."""

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from organizations.models import AiProvider, Prompt, User
from tests.support import factories
from tests.support.ai_webchats import create_ai_webchat
from tests.support.models import claim_reply
from tests.support.reply_races import finished
from tests.webchats.conversations.replies.conversations import send
from webchats.conversations import services
from webchats.conversations.models import Conversation, Draft, Reply
from webchats.conversations.replies import queries
from webchats.conversations.replies.outcomes import finish_reply
from webchats.conversations.replies.start import start_reply
from webchats.models import Webchat

pytestmark = pytest.mark.django_db(transaction=True)


def _columns(row: Any) -> dict[str, Any] | None:
    if row is None:
        return None
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


@pytest.fixture
def conversations(webchat: Webchat, other_admin: User) -> list[Conversation]:
    """A drafted and a running reply in each of two organizations, and conversations without."""
    for chat in (webchat, create_ai_webchat(other_admin)):
        drafted, running, _ = (send(chat, visitor_id=letter * 32) for letter in "abc")
        factories.DraftFactory.create(conversation=drafted)
        factories.ReplyFactory.create(conversation=running, state="running", knowledge=["a"])
    return list(Conversation.objects.order_by("pk"))


def test_drafts_and_running_replies_are_those_of_the_conversation(
    conversations: list[Conversation],
) -> None:
    for conversation in conversations:
        draft = Draft.objects.pending().filter(conversation=conversation).first()
        assert _columns(queries.find_pending_draft(conversation)) == _columns(draft)
    for reply in Reply.objects.all():
        expected = reply if reply.state == "running" else None
        assert _columns(queries.find_running(reply.pk)) == _columns(expected)
    assert Draft.objects.count() == Reply.objects.running().count() == 2


def test_the_newest_texts_and_closings_are_found(conversations: list[Conversation]) -> None:
    conversation = conversations[0]
    services.close(conversation=conversation)
    for number in range(22):
        send(Webchat.objects.get(pk=conversation.webchat_id), str(number))
    for row in conversations:
        messages = row.messages.order_by("-sequence")
        expected = [message for message in messages if message.text or message.event == "closed"]
        found = queries.load_newest(row)
        assert [*map(_columns, found)] == [*map(_columns, expected[:20])]


def test_prompts_come_with_their_providers(conversations: list[Conversation]) -> None:
    factories.PromptFactory.create()
    for expected in Prompt.objects.select_related("provider"):
        found = queries.find_prompt(expected.pk)
        assert found is not None
        assert _columns(found) == _columns(expected)
        assert _columns(found.provider) == _columns(expected.provider)
    assert AiProvider.objects.count() == 2
    assert queries.find_prompt("none") is None


def test_a_reply_starts_and_ends_with_few_queries(
    webchat: Webchat, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    send(webchat)
    job = claim_reply()
    # With the begin and the end of a transaction.
    with django_assert_num_queries(13):
        start = start_reply(job)
    assert start is not None
    with django_assert_num_queries(9):
        finish_reply(job, start.reply.pk, finished(), is_shown=True)
