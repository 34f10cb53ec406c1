"""The actions that change the handler, and the functions that other actions share.

A function whose name ends with ``_locked`` changes a conversation that its caller has locked and
will save.
"""

from types import EllipsisType

from django.db import transaction
from django.utils import timezone

from organizations.models import User
from webchats.conversations.appending import append_event
from webchats.conversations.assignees import assign_automatically
from webchats.conversations.errors import AiUnavailable, AssignedMeanwhile
from webchats.conversations.facts import record_hand_over, record_reopening
from webchats.conversations.locking import lock, lock_open, save
from webchats.conversations.models import Author, Conversation
from webchats.conversations.notifications.requests import request_notifications
from webchats.conversations.replies.availability import can_answer
from webchats.conversations.replies.requests import discard_replies, request_reply
from webchats.conversations.transitions import Action, Handler, State, next_handler


@transaction.atomic
def take_over(*, conversation: Conversation, user: User) -> Conversation:
    """Make ``user`` the representative who answers, unless a colleague does.

    Raise ``ConversationClosed`` if it is closed, and ``AssignedMeanwhile`` if a colleague answers.
    """
    locked = lock_open(conversation)
    if locked.handler == Handler.REP and locked.assignee_id not in (None, user.pk):
        raise AssignedMeanwhile(locked.assignee)
    locked.assignee = user
    join_locked(locked, user, Action.TAKE_OVER)
    save(locked)
    return locked


@transaction.atomic
def give_back(*, conversation: Conversation, user: User) -> Conversation:
    """Let the AI answer, at once if the visitor waits. The conversation has no assignee then.

    Raise ``ConversationClosed`` if it is closed, and ``AiUnavailable`` if the AI cannot answer.
    """
    locked = lock_open(conversation)
    handler = next_handler(locked.handler, Action.GIVE_BACK)
    if handler == locked.handler:
        return locked
    if not can_answer(locked):
        raise AiUnavailable
    locked.handler = handler
    locked.had_ai = True
    locked.assignee = None
    append_event(locked, "returned", user=user)
    if locked.last_message_author == Author.VISITOR:
        request_reply(locked, delay=0)
    save(locked)
    return locked


@transaction.atomic
def ask_for_person(*, conversation: Conversation) -> Conversation:
    """Hand the conversation over to a person. Raise ``ConversationClosed`` if it is closed."""
    return _call_person(conversation, Action.ASK_FOR_PERSON)


@transaction.atomic
def hand_over(*, conversation: Conversation) -> Conversation:
    """Hand over because the AI cannot answer. Raise ``ConversationClosed`` if it is closed.

    Nothing changes unless the AI is the handler. One event informs the visitor.
    """
    return _call_person(conversation, Action.HAND_OVER)


def _call_person(conversation: Conversation, action: Action) -> Conversation:
    locked = lock_open(conversation)
    if hand_over_locked(locked, action):
        save(locked)
    return locked


def hand_over_locked(conversation: Conversation, action: Action, text: str = "") -> bool:
    """End the replies of the AI and call a person. Return whether the handler has changed.

    ``text`` explains it to the visitor. Without it, the widget shows its own text.
    """
    handler = next_handler(conversation.handler, action)
    if handler == conversation.handler:
        return False
    discard_replies(conversation)
    conversation.handler = handler
    now = timezone.now()
    record_hand_over(conversation, action, now)
    conversation.waiting_since = conversation.waiting_since or now
    append_event(conversation, "handed_over", text=text)
    assign_automatically(conversation)
    request_notifications(conversation)
    return True


def join_locked(conversation: Conversation, user: User, action: Action) -> None:
    """Make a representative the handler, with an event for the visitor if none was before."""
    if conversation.assignee_id is None:
        conversation.assignee = user
    if conversation.handler != Handler.REP:
        if conversation.handler == Handler.AI:
            discard_replies(conversation)
        conversation.handler = next_handler(conversation.handler, action)
        append_event(conversation, "joined", user=user)


def reopen_locked(conversation: Conversation) -> None:
    """Reopen the conversation, for its assignee or, without an active one, as at the start."""
    conversation.state = State.OPEN
    conversation.closed_at = None
    conversation.closed_by = ""
    record_reopening(conversation)
    assignee = conversation.assignee
    is_active = assignee is not None and assignee.is_active
    if is_active:
        conversation.handler = Handler.REP
    else:
        conversation.assignee = None
        start_handling(conversation)
    append_event(conversation, "reopened")


def start_handling(conversation: Conversation) -> None:
    """Set the first handler: the AI if it can answer, with or without autopilot, else a person."""
    if can_answer(conversation):
        conversation.handler = Handler.AI
        conversation.had_ai = True
    else:
        conversation.handler = Handler.WAITING
        assign_automatically(conversation)


@transaction.atomic
def assign(
    *,
    conversation: Conversation,
    assignee: User | None,
    former_id: str | EllipsisType | None = ...,
) -> Conversation:
    """Set or remove the assignee.

    With ``former_id``, the assignee that the caller has seen, raise ``AssignedMeanwhile`` if there
    is another one, unless it is ``assignee``.
    """
    locked = lock(conversation)
    expected = (former_id, assignee.pk if assignee else None)
    if former_id is not ... and locked.assignee_id not in expected:
        raise AssignedMeanwhile(locked.assignee)
    locked.assignee = assignee
    save(locked, "assignee")
    return locked
