"""What streams of many visitors read together is what each would read alone."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from organizations.models import User
from tests.support import factories
from webchats.conversations import services
from webchats.conversations.live import updates
from webchats.conversations.live.updates import Position, VisitorKey, load_update, load_updates
from webchats.conversations.models import Conversation, ReplyState
from webchats.models import Webchat

pytestmark = pytest.mark.django_db
_numbers = count()


def converse(webchat: Webchat, *texts: str, **changes: Any) -> Conversation:
    """Return the conversation of a new visitor."""
    visitor_id = f"{next(_numbers):032x}"
    for text in texts:
        services.send_visitor_message(
            webchat=webchat, visitor_id=visitor_id, text=text, client_key=text
        )
    rows = Conversation.objects.filter(visitor_id=visitor_id)
    rows.update(**changes)
    return rows.get()


def key_of(conversation: Conversation) -> VisitorKey:
    return VisitorKey(conversation.webchat_id or "", conversation.visitor_id)


def make_reply(conversation: Conversation, text: str) -> None:
    factories.ReplyFactory.create(
        conversation=conversation, state=ReplyState.RUNNING, based_on_sequence=1, text=text
    )


@pytest.fixture
def needs(webchat: Webchat, rep: User, monkeypatch: pytest.MonkeyPatch) -> list[updates.Need]:
    """Visitors of every kind, and the positions of their streams."""
    monkeypatch.setattr(updates, "PAGE_SIZE", 2)
    webchat.is_autopilot = True
    webchat.save()
    other = factories.WebchatFactory.create()
    plain, long = converse(webchat, "Hello"), converse(webchat, "1", "2", "3", "4", "5")
    written = converse(other, "Hi", handler="rep", assignee=rep)
    answered, checked = (converse(webchat, "Why?", handler="ai") for _ in range(2))
    make_reply(answered, "Because")
    factories.DraftFactory.create(reply__conversation=checked, conversation=checked)
    former = converse(webchat, "Old", state="closed", closed_at=timezone.now() - timedelta(days=9))
    services.send_visitor_message(
        webchat=webchat, visitor_id=former.visitor_id, text="New", client_key="new"
    )
    return [
        (key_of(plain), [None]),
        (key_of(plain), [Position(plain.pk, 1)]),
        (key_of(plain), [Position(plain.pk, 99)]),
        (key_of(long), [None, Position(long.pk, 3)]),
        (key_of(long), [Position(long.pk, 4)]),
        (key_of(written), [Position(plain.pk, 7)]),
        (key_of(answered), [None]),
        (key_of(checked), [None]),
        (key_of(former), [Position(former.pk, 1)]),
        (VisitorKey(webchat.pk, "f" * 32), [None]),
        # Of one webchat and of another visitor's.
        (VisitorKey(other.pk, plain.visitor_id), [None]),
    ]


def test_a_batch_of_visitors_reads_the_same_as_each_visitor(needs: list[updates.Need]) -> None:
    together = load_updates(needs)
    assert together == [load_update(*need) for need in needs]
    texts = [b"".join(event for _, event in update.messages) for update in together if update]
    assert [text.count(b"event: message") for text in texts] == [1, 0, 0, 2, 1, 1, 1, 1, 1]
    states = [update.state["replyState"] for update in together if update]
    assert states == [None] * 6 + ["writing", "checking", None]
    assert together[-2:] == [None, None]


def test_more_visitors_need_no_more_queries(needs: list[updates.Need], webchat: Webchat) -> None:
    def count_queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            load_updates(needs)
        return len(captured)

    before = count_queries()
    more = [converse(webchat, "Hello", handler=handler) for handler in ("ai", "waiting") * 3]
    needs += [(key_of(conversation), [None]) for conversation in more]
    assert count_queries() == before
