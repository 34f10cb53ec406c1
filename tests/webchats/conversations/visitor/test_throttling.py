"""Limits by address, session and webchat."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from rest_framework.test import APIClient

from organizations.models import User
from tests.support import factories
from tests.support.ai_webchats import create_ai_webchat
from tests.support.visitors import SITE, Visitor
from webchats.conversations.models import Contact, Conversation, Message
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

Rates = Callable[..., None]


@pytest.fixture(autouse=True)
def _start_of_a_minute() -> Any:
    """Keep all requests of a test in one period of the limits."""
    with time_machine.travel(datetime(2030, 1, 1, 12, tzinfo=UTC)):
        yield


def statuses(count: int, call: Callable[[int], Any]) -> list[int]:
    """Return the statuses of calls with the numbers from 0."""
    return [call(number).status_code for number in range(count)]


def assert_throttled(response: Any) -> None:
    assert response.status_code == 429
    assert response.json()["code"] == "rate_limited"
    assert int(response.headers["Retry-After"]) >= 1
    assert response.headers["Cache-Control"] == "no-store"


def test_tickets_are_limited_by_address(webchat: Webchat, throttle_rates: Rates) -> None:
    throttle_rates(widget_tickets_address="2/min")

    def call(address: str, site: str = SITE) -> Any:
        path, headers = f"/widget/{webchat.pk}/ticket", {"Origin": site}
        return APIClient().post(path, headers=headers, REMOTE_ADDR=address)

    assert statuses(3, lambda number: call(f"2001:db8::{number + 1}")) == [200, 200, 429]
    assert call("2001:db8:0:1::1").status_code == 200
    throttled = call("2001:db8::9")
    assert_throttled(throttled)
    # The page can read how long to wait.
    assert throttled.headers["Access-Control-Allow-Origin"] == SITE
    assert throttled.headers["Access-Control-Expose-Headers"] == "Retry-After"
    # A page that is not allowed does not learn that the webchat exists.
    assert call("2001:db8::1", "https://evil.test").status_code == 404


def test_messages_are_limited_by_session_across_its_renewals(
    visitor: Visitor, throttle_rates: Rates
) -> None:
    throttle_rates(widget_messages_session="2/min")
    assert statuses(3, lambda number: visitor.send(key=f"{number}")) == [201, 201, 429]
    visitor.token = visitor.start(token=visitor.token)["token"]
    assert_throttled(visitor.send(key="3"))
    visitor.token = visitor.start()["token"]
    assert visitor.send().status_code == 201
    assert Message.objects.count() == 3


def test_messages_are_limited_by_address(webchat: Webchat, throttle_rates: Rates) -> None:
    throttle_rates(widget_messages_address="2/min")
    visitors = [Visitor(webchat) for _ in range(3)]
    assert statuses(3, lambda number: visitors[number].send()) == [201, 201, 429]
    headers = {"Authorization": f"Bearer {visitors[2].token}"}
    body = {"clientKey": "a", "text": "b"}
    path = f"{visitors[2].path}/messages"
    elsewhere = APIClient().post(path, body, headers=headers, REMOTE_ADDR="192.0.2.1")
    assert elsewhere.status_code == 201


def test_a_message_past_the_limit_of_its_session_does_not_count_for_its_address(
    webchat: Webchat, throttle_rates: Rates
) -> None:
    throttle_rates(widget_messages_session="1/min", widget_messages_address="2/min")
    first, second = Visitor(webchat), Visitor(webchat)
    assert statuses(3, lambda number: first.send(key=f"{number}")) == [201, 429, 429]
    assert second.send().status_code == 201


def test_a_request_without_a_session_does_not_count_as_a_message(
    webchat: Webchat, throttle_rates: Rates
) -> None:
    throttle_rates(widget_messages_address="1/min")
    assert Visitor(webchat, token="x").send().status_code == 401
    assert Visitor(webchat).send().status_code == 201


def test_ratings_are_limited_by_session(visitor: Visitor, throttle_rates: Rates) -> None:
    throttle_rates(widget_ratings_session="2/hour")
    visitor.send()
    visitor.post("close")
    assert statuses(3, lambda n: visitor.put("rating", {"score": n + 1})) == [200, 200, 429]
    assert Conversation.objects.get().rating_score == 2


def test_new_conversations_are_limited_by_address(webchat: Webchat, throttle_rates: Rates) -> None:
    throttle_rates(widget_conversations_address="2/hour")
    visitors = [Visitor(webchat) for _ in range(3)]
    assert statuses(3, lambda number: visitors[number].send()) == [201, 201, 429]
    assert_throttled(visitors[2].send())
    assert (Contact.objects.count(), Conversation.objects.count()) == (2, 2)
    # Conversations that have begun go on.
    assert statuses(3, lambda number: visitors[0].send(key=f"{number}")) == [201] * 3
    visitors[0].post("close")
    assert visitors[0].send(key="reopen").status_code == 201


def test_a_repeated_message_of_a_past_conversation_does_not_count(
    visitor: Visitor, throttle_rates: Rates
) -> None:
    throttle_rates(widget_conversations_address="2/hour")
    visitor.send(key="first")
    visitor.post("close")
    Conversation.objects.update(closed_at=timezone.now() - timedelta(days=2))
    assert statuses(3, lambda number: visitor.send(key="first")) == [200] * 3
    assert visitor.send(key="second").status_code == 201
    assert Conversation.objects.count() == 2


def test_new_conversations_are_limited_by_webchat(webchat: Webchat, throttle_rates: Rates) -> None:
    throttle_rates(widget_conversations_webchat="2/hour")
    other = factories.WebchatFactory.create()
    visitors = [Visitor(webchat) for _ in range(3)]
    assert statuses(3, lambda number: visitors[number].send()) == [201, 201, 429]
    assert Visitor(other).send().status_code == 201


def test_requests_are_limited_by_session(webchat: Webchat, throttle_rates: Rates) -> None:
    throttle_rates(widget_requests_session="2/min")
    first, second = Visitor(webchat), Visitor(webchat)
    assert statuses(3, lambda number: first.get("messages")) == [200, 200, 429]
    assert_throttled(first.post("typing"))
    assert second.get("messages").status_code == 200


def test_requests_are_limited_by_address_also_without_a_session(
    webchat: Webchat, throttle_rates: Rates
) -> None:
    throttle_rates(widget_requests_address="4/min")
    # Its session is the first request.
    visitor, invalid = Visitor(webchat), Visitor(webchat, token="x")
    responses = [
        visitor.get("messages"),
        invalid.get("messages"),
        invalid.client.post(f"{invalid.path}/session", {"ticket": "x"}),
        invalid.get("messages"),
        visitor.client.post(f"{invalid.path}/session", {"ticket": "x"}),
    ]
    assert [response.status_code for response in responses] == [200, 401, 404, 429, 429]
    assert_throttled(responses[-1])


@pytest.mark.parametrize("scope", ["session", "address", "webchat"])
def test_past_a_limit_of_replies_a_message_is_stored_and_a_person_is_called(
    admin: User, throttle_rates: Rates, scope: str
) -> None:
    throttle_rates(**{f"widget_replies_{scope}": "1/5min"})
    visitor = Visitor(create_ai_webchat(admin, allowed_domains=["shop.example.com"]))
    assert visitor.send(key="1").status_code == 201
    # Another message before the reply is answered by the same reply.
    assert visitor.send(key="2").status_code == 201
    conversation = Conversation.objects.get()
    assert conversation.handler == "ai"
    Conversation.objects.update(last_message_author="ai")
    assert visitor.send(key="3").status_code == 201
    conversation.refresh_from_db()
    assert conversation.handler == "waiting"
    events = Message.objects.filter(event="handed_over").values_list("sequence", flat=True)
    assert list(events) == [4]


def test_a_reply_in_a_reopened_conversation_counts(admin: User, throttle_rates: Rates) -> None:
    throttle_rates(widget_replies_session="1/5min")
    visitor = Visitor(create_ai_webchat(admin, allowed_domains=["shop.example.com"]))
    assert visitor.send(key="1").status_code == 201
    visitor.post("close")
    # The message that the first reply is due for is still the last one.
    assert visitor.send(key="2").status_code == 201
    conversation = Conversation.objects.get()
    assert (conversation.state, conversation.handler) == ("open", "waiting")


def test_messages_that_no_ai_answers_are_not_counted_as_replies(
    webchat: Webchat, throttle_rates: Rates
) -> None:
    throttle_rates(widget_replies_session="1/5min")
    visitor = Visitor(webchat)
    assert statuses(3, lambda number: visitor.send(key=str(number))) == [201] * 3
    assert not Message.objects.filter(event="handed_over").exists()
