"""The visitor's answer to the survey."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from organizations.models import User
from tests.support.visitors import Visitor
from webchat_project.api.timestamps import format_timestamp
from webchats.conversations import services
from webchats.conversations.models import Conversation
from webchats.conversations.transitions import REOPEN_WITHIN
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


@pytest.fixture
def closed(visitor: Visitor, rep: User) -> Conversation:
    """A conversation of the visitor that a representative has closed."""
    visitor.send()
    return services.close(conversation=Conversation.objects.get(), user=rep)


def stored_rating(conversation: Conversation) -> tuple[int, str] | None:
    conversation.refresh_from_db()
    return conversation.rating and conversation.rating[:2]


def test_a_second_rating_replaces_the_first(visitor: Visitor, closed: Conversation) -> None:
    response = visitor.put("rating", {"score": 2, "comment": " Slow\n"})
    assert response.status_code == 200
    closed.refresh_from_db()
    assert closed.rated_at is not None
    until = format_timestamp(closed.rated_at + timedelta(days=14))
    first = {"score": 2, "comment": "Slow", "changeableUntil": until}
    assert response.json() == {"conversationId": closed.pk, "rating": first}
    assert response.headers["Cache-Control"] == "no-store"
    assert visitor.get("messages").json()["rating"] == first
    assert visitor.start(token=visitor.token)["conversation"]["rating"] == first
    second = visitor.put("rating", {"score": 5}).json()["rating"]
    assert second == {**first, "score": 5, "comment": ""}
    assert stored_rating(closed) == (5, "")
    # Only the first one is an event.
    events = [message["event"] for message in visitor.get("messages").json()["messages"]]
    assert events == [None, "closed", "rated"]
    assert "Visitor rated the conversation." in visitor.get("transcript").getvalue().decode()


def test_a_rating_can_be_changed_for_14_days(visitor: Visitor, closed: Conversation) -> None:
    visitor.put("rating", {"score": 2})
    with time_machine.travel(timezone.now(), tick=False) as clock:
        Conversation.objects.update(rated_at=timezone.now() - timedelta(days=14, seconds=-1))
        assert visitor.put("rating", {"score": 3}).status_code == 200
        clock.shift(1)
        late = visitor.put("rating", {"score": 4})
    assert (late.status_code, late.json()["code"]) == (409, "rating_final")
    assert stored_rating(closed) == (3, "")


def test_an_open_conversation_is_not_rated_and_a_reopened_one_keeps_its_rating(
    visitor: Visitor,
) -> None:
    visitor.send(key="1")
    conversation = Conversation.objects.get()
    early = visitor.put("rating", {"score": 1})
    assert (early.status_code, early.json()["code"]) == (409, "not_closed")
    visitor.post("close")
    visitor.put("rating", {"score": 1, "comment": "Bad"})
    visitor.send(key="2")
    assert visitor.put("rating", {"score": 5}).json()["code"] == "not_closed"
    assert stored_rating(conversation) == (1, "Bad")
    visitor.post("close")
    assert visitor.get("messages").json()["rating"]["score"] == 1
    assert visitor.put("rating", {"score": 4}).status_code == 200
    assert stored_rating(conversation) == (4, "")
    assert conversation.messages.filter(event="rated").count() == 1


def test_a_visitor_rates_only_their_newest_conversation(
    webchat: Webchat, visitor: Visitor, closed: Conversation
) -> None:
    visitor.put("rating", {"score": 4})
    other = Visitor(webchat).put("rating", {"score": 1})
    assert (other.status_code, other.json()["code"]) == (404, "not_found")
    Conversation.objects.update(closed_at=timezone.now() - 2 * REOPEN_WITHIN)
    visitor.send(key="2")
    assert visitor.get("messages").json()["rating"] is None
    assert visitor.put("rating", {"score": 1}).json()["code"] == "not_closed"
    assert stored_rating(closed) == (4, "")


def test_a_webchat_without_a_survey_accepts_no_rating(
    webchat: Webchat, visitor: Visitor, closed: Conversation
) -> None:
    Webchat.objects.filter(pk=webchat.pk).update(is_survey_enabled=False)
    response = visitor.put("rating", {"score": 5})
    assert (response.status_code, response.json()["code"]) == (409, "survey_disabled")
    assert stored_rating(closed) is None


def test_comments_are_stored_as_text_without_card_numbers(
    visitor: Visitor, closed: Conversation
) -> None:
    html = "<img src=x onerror=alert(1)>"
    rating = visitor.put("rating", {"score": 1, "comment": f"{html} 4111 1111 1111 1111"})
    assert rating.json()["rating"]["comment"] == f"{html} •••• •••• •••• 1111"
    assert visitor.put("rating", {"score": 1.0, "comment": None}).status_code == 200
    assert visitor.put("rating", {"score": 5, "comment": "😀" * 2_000}).status_code == 200
    assert stored_rating(closed) == (5, "😀" * 2_000)
