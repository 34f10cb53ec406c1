"""No visitor ever gets the text of a draft that nobody has approved, not even a part of it."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from organizations.models import User
from tests.support.ai_webchats import create_ai_webchat
from tests.support.models import ScriptedModel, run_replies, use_model
from tests.support.visitors import Visitor
from tests.webchats.conversations.replies.conversations import in_thread
from webchats.conversations import services
from webchats.conversations.errors import ConversationConflict
from webchats.conversations.live import publishing
from webchats.conversations.live.comparisons import load_replies
from webchats.conversations.live.updates import VisitorKey, load_update
from webchats.conversations.models import Conversation, Draft
from webchats.conversations.sessions import read_token
from webchats.conversations.visitor import urls
from webchats.models import Webchat

pytestmark = pytest.mark.django_db(transaction=True)

ACTIONS: Final = (
    *("send", "send", "send_and_disable_autopilot", "approve", "approve_edited", "reject", "edit"),
    *("take_over", "give_back", "close", "autopilot", "no_autopilot"),
)
#: The endpoints whose responses have something of a conversation.
READ: Final = {"messages", "session", "transcript"}
#: The others.
SILENT: Final = {"ticket", "typing", "read", "human", "close", "rating"}
#: The words of a reply, each with its number.
WORD: Final = re.compile(r"secret(\d+)[ab]")


def test_every_endpoint_of_visitors_is_known_here() -> None:
    names = {str(pattern.pattern).rsplit("/", maxsplit=1)[-1] for pattern in urls.urlpatterns}
    assert names == READ | SILENT


@pytest.fixture
def webchat(admin: User) -> Webchat:
    """A webchat that the AI answers, and one site embeds."""
    return create_ai_webchat(admin, allowed_domains=["shop.example.com"])


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> ScriptedModel:
    """The model of all prompts."""
    return use_model(monkeypatch, [])


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
    """One visitor, their actions and those of staff, and what the visitor could read."""

    numbers = count(1)

    def __init__(self, webchat: Webchat, user: User, model: ScriptedModel, hints: list[str]):
        self.webchat, self.user, self.model, self.hints = webchat, user, model, hints
        self.visitor = Visitor(webchat)
        session = read_token(webchat.pk, self.visitor.token)
        self.key = VisitorKey(webchat.pk, session.visitor_id)
        #: The numbers of the texts that the visitor may read.
        self.allowed: set[str] = set()
        self.set_autopilot(False)

    def set_autopilot(self, value: bool) -> None:
        Webchat.objects.filter(pk=self.webchat.pk).update(is_autopilot=value)
        self.is_autopilot = value

    @property
    def conversation(self) -> Conversation | None:
        rows = Conversation.objects.filter(visitor_id=self.key.visitor_id)
        return rows.order_by("-created_at").first()

    def read(self) -> Iterator[str]:
        """Yield all that the visitor can read now, and all hints so far."""
        yield self.visitor.get("messages").content.decode()
        yield json.dumps(self.visitor.start(token=self.visitor.token))
        if self.conversation is not None:
            yield self.visitor.get("transcript").content.decode()
        yield repr(load_update(self.key, [None]))
        yield repr(load_replies([self.webchat.organization_id]))
        yield from self.hints

    def check(self) -> None:
        """Raise ``AssertionError`` if the visitor can read what is not allowed."""
        for text in self.read():
            assert set(WORD.findall(text)) <= self.allowed, text

    def send(self, *, disables_autopilot: bool = False) -> None:
        """Send a message, and make the reply, which has two words. Read after the first one."""
        number = str(next(self.numbers))
        if self.is_autopilot:
            # A reply that becomes a draft in the middle keeps what the visitor has read.
            self.allowed |= {number}
        disable = in_thread(partial(self.set_autopilot, False)) if disables_autopilot else id
        steps: list[Any] = [f"secret{number}a ", in_thread(self.check)]
        if disables_autopilot:
            steps += [disable, in_thread(self.check)]
        self.model.scripts = [[*steps, f"secret{number}b"]]
        self.visitor.send(f"Message {number}", key=number)
        run_replies()

    def decide(self, decision: Callable[..., object], **values: Any) -> None:
        """Decide about the newest draft."""
        draft = Draft.objects.filter(conversation=self.conversation).order_by("-created_at").first()
        if draft is not None:
            with suppress(ConversationConflict):
                decision(draft=draft, user=self.user, version=draft.version, **values)
                if decision is services.approve_draft and "text" not in values:
                    self.allowed |= set(WORD.findall(draft.text))

    def act(self, action: str) -> None:
        """Do one of ``ACTIONS``."""
        conversation = self.conversation
        if action.startswith("send"):
            self.send(disables_autopilot=action != "send")
        elif action.endswith("autopilot"):
            self.set_autopilot(action == "autopilot")
        elif action == "approve":
            self.decide(services.approve_draft)
        elif action == "approve_edited":
            self.decide(services.approve_draft, text="Edited.")
        elif action == "reject":
            self.decide(services.reject_draft, reason="wrong")
        elif action == "edit":
            self.decide(services.edit_draft)
        elif conversation is not None:
            with suppress(ConversationConflict):
                getattr(services, action)(conversation=conversation, user=self.user)


@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(actions=st.lists(st.sampled_from(ACTIONS), min_size=2, max_size=7))
def test_a_visitor_never_reads_a_draft(
    webchat: Webchat,
    rep: User,
    model: ScriptedModel,
    hints: list[str],
    throttle_rates: Callable[..., None],
    actions: list[str],
) -> None:
    names = ("tickets_address", "requests_address", "replies_address", "conversations_address")
    throttle_rates(**{f"widget_{name}": "100000/hour" for name in names})
    hints.clear()
    case = Case(webchat, rep, model, hints)
    for action in ["send", *actions]:
        case.act(action)
        case.check()
