"""The states of a conversation, and the transitions between its handlers.

A conversation is ``open`` or ``closed``. While it is open, one handler answers the visitor: the AI,
a representative, or nobody yet (``waiting``). The handler of a closed conversation is its last one.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Final

from django.db import models


class State(models.TextChoices):
    """Whether the conversation is open."""

    OPEN = "open", "Open"
    CLOSED = "closed", "Closed"


class Handler(models.TextChoices):
    """The party that answers the visitor."""

    AI = "ai", "Automatic answers"
    WAITING = "waiting", "Waiting for a person"
    REP = "rep", "Representative"


class ClosedBy(models.TextChoices):
    """The party that closed a conversation."""

    VISITOR = "visitor", "Visitor"
    REP = "rep", "Representative"
    #: After a time without a message, or because the webchat was deleted.
    SYSTEM = "system", "System"


class Action(StrEnum):
    """An action that can change the handler of an open conversation."""

    VISITOR_MESSAGE = "visitor_message"
    REP_MESSAGE = "rep_message"
    TAKE_OVER = "take_over"
    GIVE_BACK = "give_back"
    HAND_OVER = "hand_over"
    ASK_FOR_PERSON = "ask_for_person"
    ASSIGNEE_DEACTIVATED = "assignee_deactivated"


#: A new message within this time after closing reopens the conversation. A later one starts a new
#: conversation.
REOPEN_WITHIN: Final = timedelta(hours=24)

_AI, _WAITING, _REP = Handler.AI, Handler.WAITING, Handler.REP

#: The handler after an action, by action and handler before. A missing entry changes nothing.
TRANSITIONS: Final[dict[Action, dict[Handler, Handler]]] = {
    Action.VISITOR_MESSAGE: {},
    Action.REP_MESSAGE: {_AI: _REP, _WAITING: _REP},
    Action.TAKE_OVER: {_AI: _REP, _WAITING: _REP},
    Action.GIVE_BACK: {_WAITING: _AI, _REP: _AI},
    Action.HAND_OVER: {_AI: _WAITING},
    # A representative is a person already.
    Action.ASK_FOR_PERSON: {_AI: _WAITING},
    Action.ASSIGNEE_DEACTIVATED: {_REP: _WAITING},
}


def next_handler(handler: str, action: Action) -> Handler:
    """Return the handler of an open conversation after ``action``."""
    return TRANSITIONS[action].get(Handler(handler), Handler(handler))
