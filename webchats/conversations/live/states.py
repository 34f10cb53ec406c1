"""What a visitor sees of the state of a conversation."""

from typing import TypedDict

from webchats.conversations.models import Conversation
from webchats.conversations.replies.visible import VisibleReply
from webchats.conversations.transitions import Handler


class StateDocument(TypedDict):
    """The data of a ``state`` event."""

    state: str
    handler: str
    #: The name of the representative who answers; otherwise empty.
    authorName: str
    #: ``writing`` or ``checking`` if a reply of the AI is due.
    replyState: str | None


def state_of(conversation: Conversation, reply: VisibleReply) -> StateDocument:
    """Return the state of a conversation for its visitor."""
    assignee = conversation.assignee if conversation.handler == Handler.REP else None
    return {
        "state": conversation.state,
        "handler": conversation.handler,
        "authorName": assignee.public_name if assignee else "",
        "replyState": reply.state,
    }
