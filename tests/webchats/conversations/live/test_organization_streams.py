"""Streams of staff: ``GET /live/organization``."""

from collections.abc import Callable
from datetime import timedelta
from time import monotonic

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from organizations.auth.tokens import AccessToken
from organizations.models import ApiKey, Organization, User
from tests.support import factories
from tests.support.streams import LiveServer, StreamClient, StreamEvent
from webchats.conversations import events, presence, services
from webchats.conversations.api.serializers import ConversationSerializer
from webchats.conversations.live import credentials
from webchats.conversations.live.tokens import issue_staff_token
from webchats.conversations.models import Author, Conversation
from webchats.conversations.sessions import Session
from webchats.models import Webchat

PATH = "/live/organization"
Open = Callable[..., StreamClient]


def access_token(user: User) -> str:
    return str(AccessToken.for_user(user))


@pytest.fixture
def open_stream(live: LiveServer) -> Open:
    """``open_stream(user)`` opens the stream of the user's organization."""

    def open_(user: User, query: str = "") -> StreamClient:
        stream = live.open(f"{PATH}{query}", access_token(user))
        assert stream.status == 200, stream.first
        return stream

    return open_


@pytest.fixture
def conversation(webchat: Webchat) -> Conversation:
    """A conversation with one message."""
    sent = services.send_visitor_message(
        webchat=webchat, visitor_id="a" * 32, text="Hello", client_key="1"
    )
    return sent.message.conversation


def online(user: User, conversation: str | None = None, *, is_online: bool = True) -> StreamEvent:
    """Return the event about the presence of a user."""
    data = {
        "userId": user.pk,
        "name": user.public_name,
        "conversationId": conversation,
        "isOnline": is_online,
    }
    return StreamEvent("presence", data, "")


def test_a_change_arrives_as_the_document_of_the_conversation(
    open_stream: Open, rep: User, conversation: Conversation
) -> None:
    stream = open_stream(rep)
    assert stream.next() == online(rep)
    services.send_rep_message(conversation=conversation, user=rep, text="Hi", client_key="2")
    event = stream.next()
    stored = Conversation.objects.select_related("contact").get()
    assert event.name == "conversation"
    assert event.data == dict(ConversationSerializer(stored).data)
    assert event.data["lastMessage"] == {"author": "rep", "text": "Hi"}


def test_a_comparison_sends_nothing_that_changed_before_the_stream_began(
    live: LiveServer, open_stream: Open, rep: User, conversation: Conversation
) -> None:
    """The client reads its lists then. Messages would wait behind all that changed in a minute."""
    stream = open_stream(rep)
    assert stream.next() == online(rep)
    live.run(live.watch.compare())
    services.send_rep_message(conversation=conversation, user=rep, text="Hi", client_key="2")
    assert stream.next().data["lastMessage"] == {"author": "rep", "text": "Hi"}


def test_a_rating_arrives_with_the_conversation(
    open_stream: Open, rep: User, conversation: Conversation
) -> None:
    services.close(conversation=conversation, user=rep)
    stream = open_stream(rep)
    stream.next()
    services.rate(conversation=conversation, score=4, comment="Good")
    assert stream.next().data["rating"] == {"score": 4, "comment": "Good"}


def test_a_changed_draft_arrives_without_its_text(
    open_stream: Open, rep: User, conversation: Conversation
) -> None:
    draft = factories.DraftFactory.create(conversation=conversation)
    stream = open_stream(rep)
    assert stream.next() == online(rep)
    services.reject_draft(draft=draft, user=rep, version=1, reason="wrong")
    data = {"conversationId": conversation.pk, "draftId": draft.pk, "state": "rejected"}
    assert stream.next() == StreamEvent("draft", data, "")


def test_another_organization_gets_nothing(
    open_stream: Open, other_admin: User, conversation: Conversation
) -> None:
    stream = open_stream(other_admin)
    stream.next()
    services.close(conversation=conversation)
    events.typing(conversation, Author.VISITOR, "")
    assert not stream.has_event()


def test_a_comparison_finds_changes_without_a_hint(
    live: LiveServer, open_stream: Open, rep: User, conversation: Conversation
) -> None:
    stream = open_stream(rep)
    stream.next()
    Conversation.objects.update(state="closed", updated_at=timezone.now())
    live.run(live.watch.compare())
    assert stream.next().data["state"] == "closed"


def next_other(stream: StreamClient) -> StreamEvent:
    """Return the next event that is no repetition of the conversation's.

    On SQLite, the watcher can report the commit before the stream, too.
    """
    while (event := stream.next()).name == "conversation":
        pass
    return event


def test_typing_arrives_with_the_conversation(
    open_stream: Open, rep: User, conversation: Conversation
) -> None:
    stream = open_stream(rep)
    stream.next()
    events.typing(conversation, Author.VISITOR, "Vera")
    data = {
        "author": "visitor",
        "authorName": "Vera",
        "userId": None,
        "conversationId": conversation.pk,
    }
    assert next_other(stream) == StreamEvent("typing", data, "")


def test_events_are_joined_four_times_a_second(
    open_stream: Open, rep: User, webchat: Webchat, conversation: Conversation
) -> None:
    stream = open_stream(rep)
    stream.next()
    started = monotonic()
    for number in range(20):
        events.typing(conversation, Author.VISITOR, "Vera")
        services.send_visitor_message(
            webchat=webchat, visitor_id="a" * 32, text="Hello?", client_key=f"more-{number}"
        )
    last, parts = f'"lastSequence":{conversation.last_sequence + 20},', [""]
    while last not in parts[-1]:
        parts.append(stream.take_text())
    assert len(parts) - 1 <= 2 + 4 * (monotonic() - started)
    assert "".join(parts).count("event: typing") == 20
    assert "".join(parts).count("event: conversation") < 20


def test_colleagues_see_who_is_present_and_where(
    open_stream: Open, rep: User, admin: User, conversation: Conversation
) -> None:
    first = open_stream(rep)
    assert next_other(first) == online(rep)
    second = open_stream(admin, f"?conversation={conversation.pk}")
    assert [next_other(second) for _ in range(2)] == [
        online(rep),
        online(admin, conversation.pk),
    ]
    assert next_other(first) == online(admin, conversation.pk)
    second.close()
    assert next_other(first) == online(admin, conversation.pk, is_online=False)


def test_colleagues_see_heartbeats_until_these_stop(
    open_stream: Open,
    rep: User,
    admin: User,
    conversation: Conversation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def report(**options: bool) -> None:
        presence.report_presence(
            organization_id=conversation.organization_id,
            user=admin,
            conversation=conversation,
            **options,
        )

    report()
    first = open_stream(rep)
    # A heartbeat before the start of the process is in the cache.
    assert next_other(first) == online(admin, conversation.pk)
    assert next_other(first) == online(rep)
    report(is_typing=True)
    typing = next_other(first)
    assert (typing.name, typing.data["userId"]) == ("typing", admin.pk)
    presence.report_absence(user=admin, conversation=conversation)
    assert next_other(first) == online(admin, conversation.pk, is_online=False)
    # The process of a client dies.
    monkeypatch.setattr(presence, "EXPIRY_SECONDS", 0.2)
    report()
    assert next_other(first) == online(admin, conversation.pk)
    assert next_other(first) == online(admin, conversation.pk, is_online=False)


def test_staff_see_that_a_visitor_has_the_panel_open(
    live: LiveServer, open_stream: Open, rep: User, webchat: Webchat, session: Session
) -> None:
    stream = open_stream(rep)
    stream.next()
    services.send_visitor_message(
        webchat=webchat, visitor_id=session.visitor_id, text="Hello", client_key="1"
    )
    conversation = stream.next().data["_id"]
    panel = live.open(f"/live/widget/{webchat.pk}", session.token)
    data = {"userId": None, "name": "", "conversationId": conversation, "isOnline": True}
    assert next_other(stream) == StreamEvent("presence", data, "")
    panel.close()
    assert next_other(stream) == StreamEvent("presence", {**data, "isOnline": False}, "")


# --- Credentials ---


def test_an_api_key_opens_a_stream_without_presence(live: LiveServer, rep: User) -> None:
    factories.ApiKeyFactory.create(user=rep, secret="wck_a-secret-of-the-tests")
    stream = live.open(PATH, "wck_a-secret-of-the-tests")
    assert stream.status == 200
    assert not stream.has_event()


def test_a_staff_token_opens_a_stream_for_five_minutes(live: LiveServer, rep: User) -> None:
    token = issue_staff_token(rep)
    assert live.open(PATH, token).next() == online(rep)
    with time_machine.travel(timezone.now() + timedelta(minutes=5, seconds=1)):
        assert live.open(PATH, token).status == 401


def test_a_staff_token_is_no_access_token(live: LiveServer, rep: User) -> None:
    for token in (issue_staff_token(rep), issue_staff_token(rep).removeprefix("wcs_")):
        client = APIClient(headers={"Authorization": f"Bearer {token}"})
        assert client.get("/api/webchats").status_code == 401
    assert live.open(PATH, issue_staff_token(rep).removeprefix("wcs_")).status == 401
    assert live.open(PATH, f"wcs_{access_token(rep)}").status == 401


@pytest.mark.parametrize(
    ("token", "code"),
    [("", "not_authenticated"), ("x", "invalid_token"), ("wck_x", "invalid_token")],
)
def test_a_stream_needs_a_credential(live: LiveServer, token: str, code: str) -> None:
    response = live.open(PATH, token)
    assert (response.status, response.json["code"]) == (401, code)


def test_a_session_of_a_visitor_opens_no_stream_of_staff(
    live: LiveServer, session: Session
) -> None:
    assert live.open(PATH, session.token).status == 401


def test_a_superuser_names_the_organization(
    live: LiveServer, superuser: User, organization: Organization
) -> None:
    def open_(query: str) -> StreamClient:
        return live.open(f"{PATH}{query}", access_token(superuser))

    assert open_("").json["details"][0]["field"] == "organization"
    assert open_(f"?organization={'a' * 24}").status == 404
    assert open_(f"?organization={organization.pk}").next() == online(superuser)


def test_a_member_cannot_name_another_organization(
    live: LiveServer, rep: User, other_admin: User
) -> None:
    query = f"?organization={other_admin.organization_id}"
    assert live.open(f"{PATH}{query}", access_token(rep)).status == 404


def test_opening_a_stream_counts_as_a_request_of_the_user(
    live: LiveServer, open_stream: Open, rep: User, throttle_rates: Callable[..., None]
) -> None:
    throttle_rates(credential="1/min")
    open_stream(rep).close()
    assert live.open(PATH, access_token(rep)).status == 429


def test_a_user_has_a_limited_number_of_streams(
    live: LiveServer, open_stream: Open, rep: User, settings: Settings
) -> None:
    settings.LIVE_STREAMS_PER_USER = 1
    open_stream(rep)
    assert live.open(PATH, access_token(rep)).status == 429


def deactivate(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def move(user: User) -> None:
    User.objects.filter(pk=user.pk).update(organization=factories.OrganizationFactory.create())


@pytest.mark.parametrize("change", [deactivate, move])
def test_a_stream_ends_when_the_user_may_not_see_it_any_more(
    live: LiveServer, open_stream: Open, rep: User, change: Callable[[User], None]
) -> None:
    stream = open_stream(rep)
    stream.next()
    live.run(live.watch.check_credentials())
    change(rep)
    live.run(live.watch.check_credentials())
    assert stream.rest() == [StreamEvent("end", {"reason": "session_expired"}, "")]


def test_the_role_is_checked_again(
    live: LiveServer, open_stream: Open, rep: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = open_stream(rep)
    monkeypatch.setattr(credentials, "role_allows", lambda *_: False)
    assert live.open(PATH, access_token(rep)).status == 403
    live.run(live.watch.check_credentials())
    assert stream.rest()[-1].data == {"reason": "session_expired"}


def test_a_stream_ends_with_its_token_and_with_its_api_key(live: LiveServer, rep: User) -> None:
    factories.ApiKeyFactory.create(user=rep, secret="wck_a-secret-of-the-tests")
    streams = [live.open(PATH, token) for token in (access_token(rep), "wck_a-secret-of-the-tests")]
    ApiKey.objects.all().delete()
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        live.run(live.watch.check_credentials())
    for stream in streams:
        assert stream.rest()[-1].data == {"reason": "session_expired"}
