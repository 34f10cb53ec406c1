"""Streams of visitors: ``GET /live/widget/{id}``."""

from collections.abc import Callable
from datetime import timedelta
from time import sleep

import pytest
import time_machine
from django.db import OperationalError, connections
from django.utils import timezone
from pytest_django import Settings

from organizations.models import User
from tests.support.streams import LiveServer, StreamClient, StreamEvent
from tests.support.visitors import OTHER_SITE
from tests.webchats.conversations.live.conftest import Open, Send
from webchats.conversations import events, services
from webchats.conversations.live import streams, updates, watch
from webchats.conversations.live.visitors import VisitorChannel, VisitorStream
from webchats.conversations.models import Author, Conversation
from webchats.conversations.privacy.erasure import request_erasure
from webchats.conversations.sessions import Session, issue_ticket, start_session
from webchats.models import Webchat


def texts(received: list[StreamEvent]) -> list[str]:
    return [event.data["text"] for event in received if event.name == "message"]


def test_a_message_arrives_with_its_position_as_id(open_stream: Open, send: Send) -> None:
    stream = open_stream()
    conversation = send("Hello")
    message, state = stream.take(2)
    assert (message.name, message.id) == ("message", f"{conversation.pk}:1")
    assert message.data["conversationId"] == conversation.pk
    assert (message.data["text"], message.data["clientKey"]) == ("Hello", "Hello")
    assert state == StreamEvent(
        "state", {"state": "open", "handler": "waiting", "authorName": "", "replyState": None}, ""
    )


def test_a_stream_begins_after_the_position(open_stream: Open, send: Send) -> None:
    conversation = send("1", "2", "3")
    everything = open_stream()
    assert texts(everything.take(4)) == ["1", "2", "3"]
    by_query = open_stream(f"?conversation={conversation.pk}&after=2")
    assert texts(by_query.take(2)) == ["3"]
    by_header = open_stream(headers={"last-event-id": f"{conversation.pk}:1"})
    assert texts(by_header.take(3)) == ["2", "3"]


@pytest.mark.parametrize("query", ["?after=2", f"?conversation={'a' * 24}&after=2"])
def test_a_position_in_another_conversation_begins_at_the_first_message(
    open_stream: Open, send: Send, query: str
) -> None:
    send("1", "2", "3")
    assert texts(open_stream(query).take(4)) == ["1", "2", "3"]


def test_a_position_after_the_end_gets_the_next_events(open_stream: Open, send: Send) -> None:
    conversation = send("1")
    stream = open_stream(f"?conversation={conversation.pk}&after=99")
    assert stream.next().name == "state"
    send("2")
    assert texts(stream.take(1)) == ["2"]


def test_long_histories_are_replayed_in_parts(
    open_stream: Open, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webchats.conversations.live.updates.PAGE_SIZE", 2)
    send("1", "2", "3", "4", "5")
    assert texts(open_stream().take(6)) == ["1", "2", "3", "4", "5"]


def test_a_stream_that_is_cut_misses_and_repeats_nothing(
    open_stream: Open, send: Send, rep: User
) -> None:
    conversation = send("0")
    stream, received, last = open_stream(), list[str](), ""
    for number in range(1, 21):
        services.send_rep_message(
            conversation=conversation, user=rep, text=str(number), client_key=str(number)
        )
        if number % 10 == 5:
            stream.close()
            stream = open_stream(headers={"last-event-id": last})
        while str(number) not in received:
            event = stream.next()
            if event.name == "message":
                last = event.id
                received += [event.data["text"]] if event.data["kind"] == "text" else []
    assert received == [str(number) for number in range(21)]


def test_every_stream_of_a_visitor_gets_events_and_other_visitors_none(
    live: LiveServer, webchat: Webchat, open_stream: Open, send: Send
) -> None:
    other_visitor = start_session(webchat, issue_ticket(webchat, "https://shop.example.com"))
    other = live.open(f"/live/widget/{webchat.pk}", other_visitor.token)
    first, second = open_stream(), open_stream()
    send("Hello")
    assert texts(first.take(1)) == texts(second.take(1)) == ["Hello"]
    assert not other.has_event()


def test_typing_of_a_representative_arrives_but_not_of_the_visitor(
    open_stream: Open, send: Send
) -> None:
    conversation = send("Hello")
    stream = open_stream()
    stream.take(2)
    events.typing(conversation, Author.VISITOR, "")
    events.typing(conversation, Author.REP, "Robin")
    assert stream.next() == StreamEvent("typing", {"author": "rep", "authorName": "Robin"}, "")


def test_a_note_is_not_delivered(open_stream: Open, send: Send, rep: User) -> None:
    conversation = send("Hello")
    stream = open_stream()
    stream.take(2)
    services.add_note(conversation=conversation, user=rep, text="A difficult customer")
    assert not stream.has_event()


def test_a_take_over_changes_the_state(open_stream: Open, send: Send, rep: User) -> None:
    conversation = send("Hello")
    stream = open_stream()
    stream.take(2)
    services.take_over(conversation=conversation, user=rep)
    joined, state = stream.take(2)
    assert (joined.data["event"], joined.data["authorName"]) == ("joined", rep.public_name)
    document = {"state": "open", "handler": "rep", "authorName": rep.public_name}
    assert state.data == {**document, "replyState": None}
    assert rep.email not in str([joined, state])


def test_a_new_conversation_continues_on_the_same_stream(open_stream: Open, send: Send) -> None:
    former = send("1", "2")
    stream = open_stream()
    stream.take(3)
    services.close(conversation=former)
    stream.take(2)
    Conversation.objects.update(closed_at=timezone.now() - timedelta(hours=25))
    current = send("3")
    message = stream.next()
    assert message.id == f"{current.pk}:1"
    assert current.pk != former.pk


@pytest.fixture
def behind(open_stream: Open, send: Send, monkeypatch: pytest.MonkeyPatch) -> StreamClient:
    """A stream that has read a message, and got no hint of a second one: “2”."""
    send("1")
    stream = open_stream()
    stream.take(2)
    monkeypatch.setattr(events, "publish", lambda hint: None)
    send("2")
    return stream


def test_a_comparison_finds_changes_without_a_hint(live: LiveServer, behind: StreamClient) -> None:
    live.run(live.watch.compare())
    assert texts(behind.take(1)) == ["2"]


def test_a_comparison_reads_nothing_again_for_a_stream_that_has_it(
    live: LiveServer, open_stream: Open, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    send("1")
    stream = open_stream()
    stream.take(2)
    woken = []

    def wake(channel: VisitorChannel) -> None:
        woken.append(channel)

    monkeypatch.setattr(VisitorChannel, "wake", wake)
    live.run(live.watch.compare())
    assert woken == []


def test_a_comparison_finds_changes_that_only_a_newer_stream_has_read(
    live: LiveServer, behind: StreamClient, open_stream: Open
) -> None:
    newer = open_stream()
    assert texts(newer.take(3)) == ["1", "2"]
    live.run(live.watch.compare())
    assert texts(behind.take(1)) == ["2"]


def test_a_comparison_finds_changes_though_more_have_changed_than_it_reads(
    live: LiveServer, open_stream: Open, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "COMPARED", 1)
    send("1")
    stream = open_stream()
    stream.take(2)
    live.loop.call_soon_threadsafe(live.watch.stop)
    monkeypatch.setattr(events, "publish", lambda hint: None)
    for number in range(2):
        send("Hello", visitor_id=f"{number:032x}")
    send("2")
    live.run(live.watch.compare())
    assert texts(stream.take(1)) == ["2"]


def test_a_comparison_does_not_repeat_former_searches(
    live: LiveServer, open_stream: Open, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = send("1")
    stream = open_stream()
    stream.take(2)
    live.loop.call_soon_threadsafe(live.watch.stop)
    live.run(live.watch.compare())
    monkeypatch.setattr(events, "publish", lambda hint: None)
    send("2")
    # A transaction that takes so long is canceled.
    changed_at = timezone.now() - timedelta(seconds=70)
    Conversation.objects.filter(pk=conversation.pk).update(updated_at=changed_at)
    live.run(live.watch.compare())
    assert not stream.has_event()
    # Its time may be wrong.
    monkeypatch.setattr(watch, "COMPARE_ALL_SECONDS", 0)
    live.run(live.watch.compare())
    assert texts(stream.take(1)) == ["2"]


def test_a_comparison_finds_changes_of_slow_transactions(
    live: LiveServer, open_stream: Open, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = send("1")
    stream = open_stream()
    stream.take(2)
    live.loop.call_soon_threadsafe(live.watch.stop)
    live.run(live.watch.compare())
    monkeypatch.setattr(events, "publish", lambda hint: None)
    send("2")
    changed_at = timezone.now() - timedelta(seconds=50)
    Conversation.objects.filter(pk=conversation.pk).update(updated_at=changed_at)
    live.run(live.watch.compare())
    assert texts(stream.take(1)) == ["2"]


def test_a_comparison_repeats_failed_reads(
    live: LiveServer, open_stream: Open, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    send("1")
    stream = open_stream()
    stream.take(2)
    live.loop.call_soon_threadsafe(live.watch.stop)
    hub = live.application.hub

    def fail(needs: object) -> list[updates.Update | None]:
        raise OperationalError

    with monkeypatch.context() as failing:
        failing.setattr(hub.updates, "_function", fail)
        conversation = send("2")
        while not hub.has_failed:
            sleep(0.01)
    # So that only the failure tells that there is something to read.
    Conversation.objects.filter(pk=conversation.pk).update(
        updated_at=timezone.now() - timedelta(hours=1)
    )
    live.run(live.watch.compare())
    assert texts(stream.take(1)) == ["2"]


# --- Headers and heartbeats ---


def test_headers_keep_proxies_from_buffering_and_browsers_from_loading(open_stream: Open) -> None:
    stream = open_stream(headers={"origin": "https://shop.example.com", "x-request-id": "abc"})
    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert stream.headers["cache-control"] == "no-store, no-transform"
    assert stream.headers["x-accel-buffering"] == "no"
    assert stream.headers["x-request-id"] == "abc"
    assert stream.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in stream.headers["content-security-policy"]
    assert not [name for name in stream.headers if name.startswith("access-control")]
    assert "set-cookie" not in stream.headers
    assert stream.first.startswith(": connected\nretry: ")


def test_an_idle_stream_gets_comments(open_stream: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.01)
    assert open_stream().take_text() == ": heartbeat\n\n"


def test_a_stream_ends_after_its_lifetime(
    open_stream: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "LIFETIME_SECONDS", (0, 0))
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.01)
    assert open_stream().rest() == []


# --- Refused requests ---


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/live/widget/{id}?after=x", 400, "validation_error"),
        ("/live/widget/{id}?after=2147483648", 400, "validation_error"),
        (f"/live/widget/{{id}}?after={'0' * 5_000}1", 400, "validation_error"),
        (f"/live/widget/{'a' * 24}", 401, "session_expired"),
        ("/live/widget/x", 401, "session_expired"),
        ("/live/widget/{id}/more", 404, "not_found"),
        ("/live/", 404, "not_found"),
    ],
)
def test_a_refused_request_gets_an_error_in_the_shape_of_the_api(
    live: LiveServer, webchat: Webchat, session: Session, path: str, status: int, code: str
) -> None:
    response = live.open(path.format(id=webchat.pk), session.token)
    assert (response.status, response.json["code"]) == (status, code)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("token", ["", "x", "wck_x"])
def test_a_stream_needs_a_session(live: LiveServer, webchat: Webchat, token: str) -> None:
    response = live.open(f"/live/widget/{webchat.pk}", token)
    assert (response.status, response.json["code"]) == (401, "session_expired")
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_another_method_is_not_allowed(open_stream: Open) -> None:
    response = open_stream(method="POST")
    assert (response.status, response.headers["allow"]) == (405, "GET")


def test_an_unknown_host_is_refused(open_stream: Open) -> None:
    response = open_stream(headers={"host": "evil.example.com"})
    assert (response.status, response.json["code"]) == (400, "bad_request")


def test_plain_http_is_refused_in_production(open_stream: Open, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    response = open_stream()
    assert (response.status, response.json["code"]) == (403, "https_required")


def test_a_disabled_webchat_is_gone(open_stream: Open, webchat: Webchat) -> None:
    Webchat.objects.update(is_enabled=False)
    response = open_stream()
    assert (response.status, response.json["code"]) == (410, "disabled")


def test_refused_requests_of_an_address_are_throttled(
    live: LiveServer, webchat: Webchat, throttle_rates: Callable[..., None]
) -> None:
    throttle_rates(address="2/min")
    statuses = [live.open(f"/live/widget/{webchat.pk}").status for _ in range(3)]
    assert statuses == [401, 401, 429]


def test_opening_a_stream_counts_as_a_request_of_the_visitor(
    open_stream: Open, throttle_rates: Callable[..., None]
) -> None:
    throttle_rates(widget_requests_session="2/min")
    for _ in range(2):
        open_stream().close()
    assert open_stream().status == 429


def test_a_session_has_three_streams(open_stream: Open) -> None:
    first, *_ = [open_stream() for _ in range(3)]
    refused = open_stream()
    assert (refused.status, refused.json["code"]) == (429, "rate_limited")
    assert int(refused.headers["retry-after"]) > 0
    first.close()
    assert open_stream().status == 200


def test_an_address_has_a_limit_for_all_visitors(
    live: LiveServer, webchat: Webchat, settings: Settings
) -> None:
    settings.LIVE_STREAMS_PER_ADDRESS = 1

    def open_from(address: str) -> int:
        session = start_session(webchat, issue_ticket(webchat, "https://shop.example.com"))
        stream = live.open(f"/live/widget/{webchat.pk}", session.token, address=address)
        return stream.status

    # The second address is of the same /64 network as the first one.
    addresses = ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")
    assert [open_from(address) for address in addresses] == [200, 429, 200]


# --- Ends ---


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda: Webchat.objects.update(is_enabled=False), "disabled"),
        (lambda: Webchat.objects.get().delete(), "disabled"),
        (lambda: Webchat.objects.update(allowed_domains=[OTHER_SITE]), "session_expired"),
        (lambda: Webchat.objects.update(sessions_valid_from=timezone.now()), "session_expired"),
    ],
    ids=["disabled", "deleted", "domain removed", "sessions ended"],
)
def test_a_change_of_the_webchat_ends_the_streams(
    live: LiveServer, open_stream: Open, send: Send, change: Callable[[], object], reason: str
) -> None:
    send("Hello")
    stream = open_stream()
    stream.take(2)
    change()
    live.run(live.watch.check_webchats())
    assert stream.rest()[-1] == StreamEvent("end", {"reason": reason}, "")


def test_a_stream_survives_a_change_that_allows_it_and_ends_with_its_session(
    live: LiveServer, open_stream: Open
) -> None:
    stream = open_stream()
    Webchat.objects.update(allowed_domains=["shop.example.com", "other.example.com"])
    live.run(live.watch.check_webchats())
    assert not stream.has_event()
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        live.run(live.watch.check_webchats())
    assert stream.rest() == [StreamEvent("end", {"reason": "session_expired"}, "")]


def test_erasing_the_conversation_ends_the_session(
    live: LiveServer, open_stream: Open, send: Send
) -> None:
    conversation = send("Hello")
    stream = open_stream()
    stream.take(2)
    live.run(live.watch.compare())
    send("Again")
    stream.take(1)
    conversation.contact.delete()
    live.run(live.watch.compare())
    assert stream.rest()[-1].data == {"reason": "session_expired"}


def test_an_erasure_ends_the_streams_at_once_and_the_visitor_starts_anew(
    open_stream: Open, send: Send
) -> None:
    conversation = send("Hello")
    stream = open_stream()
    stream.take(2)
    request_erasure(contact=conversation.contact, user=None)
    assert stream.rest()[-1] == StreamEvent("end", {"reason": "session_expired"}, "")
    anew = open_stream()
    assert not anew.has_event()
    assert send("Hello again").pk != conversation.pk
    assert anew.take(2)[0].data["sequence"] == 1


def test_a_stopping_process_ends_streams_and_accepts_none(
    live: LiveServer, open_stream: Open
) -> None:
    stream = open_stream()
    live.run(live.process.stop())
    assert stream.rest() == [StreamEvent("end", {"reason": "shutdown"}, "")]
    response = open_stream()
    assert (response.status, response.json["code"]) == (503, "unavailable")
    assert "retry-after" in response.headers


def test_a_client_with_too_many_waiting_events_is_disconnected(
    live: LiveServer, open_stream: Open, send: Send
) -> None:
    stream = open_stream(is_slow=True)
    live.wait_until_live()
    conversation = send("Hello")
    # The first ones may be sent together with the message, which the client does not take.
    for _ in range(10):
        for _ in range(VisitorStream.max_waiting + 2):
            events.typing(conversation, Author.REP, "Robin")
        if stream.ended.wait(1):
            break
    assert stream.ended.is_set()


def test_a_client_that_takes_nothing_holds_few_messages(session: Session, send: Send) -> None:
    send(*(f"{number:02d}" + "\U0001f600" * 3_998 for number in range(22)))
    key = updates.VisitorKey(session.webchat_id, session.visitor_id)
    update = updates.load_update(key, [None])
    assert update is not None
    assert not update.is_complete
    assert sum(len(event) for _, event in update.messages) < 400_000


def test_a_client_that_takes_nothing_is_disconnected(
    open_stream: Open, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "SEND_SECONDS", 0.05)
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.01)
    send("Hello")
    assert open_stream(is_slow=True).ended.wait(10)


def test_streams_hold_no_connection(live: LiveServer, open_stream: Open, send: Send) -> None:
    send("Hello")
    stream = open_stream()
    stream.take(2)

    async def count() -> int:
        return len([alias for alias in connections if connections[alias].connection is not None])

    assert live.run(count()) == 0
