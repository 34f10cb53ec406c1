"""Errors of actions that the state of a conversation does not allow."""

from rest_framework import status
from rest_framework.exceptions import APIException

from webchats.conversations.models import Message


class ConversationConflict(APIException):
    """An action that the conversation's state does not allow."""

    status_code = status.HTTP_409_CONFLICT


class ConversationClosed(ConversationConflict):
    """The conversation is closed."""

    default_detail = "The conversation is closed. Reopen it first."
    default_code = "closed"


class VisitorMovedOn(ConversationConflict):
    """The visitor has another open conversation."""

    default_detail = "The visitor has started another conversation. Answer there."
    default_code = "visitor_moved_on"


class AnsweredMeanwhile(ConversationConflict):
    """Somebody else has answered since the representative last looked."""

    default_detail = "Somebody else has answered meanwhile."
    default_code = "answered_meanwhile"

    def __init__(self, answer: Message) -> None:
        super().__init__()
        self.answer = answer
