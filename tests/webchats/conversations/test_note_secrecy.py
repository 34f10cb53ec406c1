"""No visitor ever gets the text of a note, and neither does the AI.

The routes come from the URLconf. A new one must respond to the requests here, or the test fails.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from secrets import token_hex
from typing import Any, Final

import pytest
from django.urls import get_resolver
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from organizations.models import User
from tests.support.ai_webchats import create_ai_webchat
from tests.support.clients import log_in, token_client
from tests.support.models import ScriptedModel, run_replies, use_model
from tests.support.streams import LiveServer, StreamClient, running_live
from tests.support.visitors import SITE, Visitor
from tests.webchats.conversations.visitor.test_access import find_views
from webchats.conversations import services
from webchats.conversations.errors import ConversationConflict
from webchats.conversations.live import publishing
from webchats.conversations.models import Conversation
from webchats.conversations.presence import report_presence
from webchats.conversations.sessions import read_token
from webchats.models import Webchat

pytestmark = pytest.mark.django_db(transaction=True)

#: Routes that require a credential of staff.
STAFF: Final = ("admin/", "api/")
#: Public routes that have nothing of a visitor.
OTHER: Final = {"", "icons/<path:key>", "metrics", "demo"}
MESSAGES: Final = ("get", "widget/<str:webchat_id>/messages")
#: Routes that change the conversation.
LAST: Final = (
    ("post", "widget/<str:webchat_id>/human"),
    ("post", "widget/<str:webchat_id>/close"),
)
#: A body that is valid for every route.
BODY: Final = {"clientKey": "new", "text": "Hi", "sequence": 1, "score": 5, "comment": "Thanks"}
NOTES: Final = ("note", "note_api", "note_inbox", "unsent_note")
ACTIONS: Final = (*NOTES, "visitor", "rep", "typing", "take_over", "give_back", "close")
#: Around the secret.
TEXTS: Final = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


def find_routes() -> set[tuple[str, str]]:
    """Return method and path of every route of the URLconf that is for visitors."""
    routes = set()
    for path, view in find_views(get_resolver()):
        if not path.startswith(STAFF) and path not in OTHER:
            methods = ("get", "post", "put", "patch", "delete")
            own = [method for method in methods if hasattr(getattr(view, "cls", None), method)]
            routes |= {(method, path) for method in own or ["get"]}
    return routes


@pytest.fixture
def webchat(admin: User, settings: Settings) -> Webchat:
    """A webchat that the AI answers at once, and one site embeds."""
    settings.AI_DEBOUNCE_SECONDS = 0
    return create_ai_webchat(admin, allowed_domains=["shop.example.com"])


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> ScriptedModel:
    """The model of all prompts."""
    return use_model(monkeypatch, ["Answer."])


@pytest.fixture
def live(settings: Settings, webchat: Webchat) -> Iterator[LiveServer]:
    """The application that holds streams."""
    settings.LIVE_SHUTDOWN_SECONDS = 0
    with running_live() as server:
        yield server


@pytest.fixture
def hints() -> Iterator[list[str]]:
    """The hints that are published, as JSON."""
    published: list[str] = []

    def listen(hint: publishing.Hint) -> None:
        published.append(json.dumps(hint))

    publishing.add_listener(listen)
    yield published
    publishing.remove_listener(listen)


class Case:
    """A visitor with an open stream, a representative, and all that the visitor gets."""

    numbers = count(1)

    def __init__(self, live: LiveServer, webchat: Webchat, rep: User) -> None:
        self.live, self.webchat, self.rep = live, webchat, rep
        self.secret = token_hex(8)
        self.visitor = Visitor(webchat)
        self.visitor_id = read_token(webchat.pk, self.visitor.token).visitor_id
        self.stream = self.open_stream()
        self.routes = find_routes()
        #: The routes that have responded without an error.
        self.covered: set[tuple[str, str]] = set()
        self.seen: list[str] = []

    @property
    def conversation(self) -> Conversation:
        rows = Conversation.objects.filter(visitor_id=self.visitor_id)
        return rows.latest("created_at")

    def open_stream(self, query: str = "") -> StreamClient:
        return self.live.open(f"/live/widget/{self.webchat.pk}{query}", self.visitor.token)

    def call(self, method: str, path: str) -> None:
        """Call a route as the visitor's page and panel do."""
        url = f"/{path}".replace("<str:webchat_id>", self.webchat.pk)
        headers = {"Authorization": f"Bearer {self.visitor.token}", "Origin": SITE}
        body: dict[str, object] = {} if method == "get" else dict(BODY)
        if path.endswith("/session"):
            body |= {"ticket": self.visitor.get_ticket(), "token": self.visitor.token}
        response: Any = getattr(self.visitor.client, method)(url, body, headers=headers)
        content = b"".join(response.streaming_content if response.streaming else [response.content])
        self.seen += [content.decode(), str(response.headers)]
        if response.status_code < 300:
            self.covered.add((method, path))

    def read_all(self) -> None:
        """Call every route that leaves the conversation as it is."""
        for route in sorted(self.routes - set(LAST)):
            self.call(*route)

    def read_stream(self, stream: StreamClient) -> None:
        """Read the events up to the last message, and close the stream."""
        conversation = self.conversation
        last = f"{conversation.pk}:{conversation.last_sequence}"
        event = stream.next()
        while event.id != last:
            self.seen.append(str(event))
            event = stream.next()
        self.seen.append(str(event))
        stream.close()

    def act(self, action: str, text: str) -> None:
        """Do one of ``ACTIONS``. A note has the secret in ``text``."""
        note, key = f"x{text}{self.secret}{text}x", f"key-{next(self.numbers)}"
        if action == "visitor":
            self.visitor.send("Hello", key)
            run_replies()
            return
        who: Any = {"conversation": self.conversation, "user": self.rep}
        pk = self.conversation.pk
        if action == "note":
            services.add_note(**who, text=note)
        elif action == "note_api":
            response: Any = token_client(self.rep).post(
                f"/api/conversations/{pk}/notes", {"text": note}
            )
            assert response.status_code == 201, response.content
        elif action == "note_inbox":
            values = {"text": note, "mode": "note", "client_key": key}
            assert log_in(self.rep).post(f"/admin/inbox/{pk}/send/", values).status_code == 302
        elif action == "unsent_note":
            services.save_unsent_text(**who, text=note, is_note=True)
        elif action == "typing":
            report_presence(organization_id=self.webchat.organization_id, is_typing=True, **who)
        else:
            with suppress(ConversationConflict):
                if action == "rep":
                    services.send_rep_message(**who, text="Hi", client_key=key)
                else:
                    getattr(services, action)(**who)


@settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    # A shorter example would take minutes to find, and says no more.
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(st.tuples(st.sampled_from(ACTIONS), TEXTS), min_size=2, max_size=6))
def test_a_visitor_and_the_ai_never_get_a_note(
    live: LiveServer,
    webchat: Webchat,
    rep: User,
    model: ScriptedModel,
    hints: list[str],
    throttle_rates: Callable[..., None],
    steps: list[tuple[str, str]],
) -> None:
    names = ("tickets_address", "requests_address", "replies_address", "conversations_address")
    throttle_rates(**{f"widget_{name}": "100000/hour" for name in names})
    case = Case(live, webchat, rep)
    for action, text in [("visitor", ""), ("note", "**"), *steps, ("visitor", "")]:
        case.act(action, text)
        case.call(*MESSAGES)
    case.read_all()
    for route in LAST:
        case.call(*route)
    case.read_all()
    case.read_stream(case.stream)
    case.read_stream(case.open_stream(f"?conversation={case.conversation.pk}&after=1"))
    assert case.covered == case.routes
    notes = token_client(rep).get(f"/api/conversations/{case.conversation.pk}/notes")
    assert case.secret in notes.content.decode()
    assert model.requests
    for text in (*case.seen, *hints, str(model.requests)):
        assert case.secret not in text
