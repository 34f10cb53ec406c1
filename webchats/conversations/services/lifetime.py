"""Closing, reopening and configuration of conversations."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from organizations.models import User
from webchats.conversations.appending import append_event
from webchats.conversations.errors import VisitorMovedOn, WebchatDeleted
from webchats.conversations.facts import record_closing
from webchats.conversations.locking import lock, save
from webchats.conversations.models import Conversation, Reply
from webchats.conversations.replies.availability import is_autopilot
from webchats.conversations.replies.requests import discard_replies, turn_into_drafts
from webchats.conversations.services.handlers import reopen_locked
from webchats.conversations.transitions import ClosedBy, Handler, State


@transaction.atomic
def close(
    *, conversation: Conversation, user: User | None = None, by: ClosedBy = ClosedBy.VISITOR
) -> Conversation:
    """Close the conversation for the representative ``user``, or without one for ``by``.

    A closed conversation stays as it is. The answers that the AI is making are discarded.
    """
    locked = lock(conversation)
    if locked.state == State.OPEN:
        if locked.handler == Handler.AI:
            discard_replies(locked)
        append_event(locked, "closed", user=user)
        locked.state = State.CLOSED
        locked.closed_at = timezone.now()
        record_closing(locked, locked.closed_at)
        locked.closed_by = by if user is None else ClosedBy.REP
        locked.waiting_since = None
        save(locked)
    return locked


def reopen(*, conversation: Conversation, user: User) -> Conversation:
    """Reopen the conversation for ``user``. An open one stays as it is.

    Raise ``WebchatDeleted`` if no visitor can read it any more, and ``VisitorMovedOn`` if the
    visitor has another open conversation.
    """
    try:
        with transaction.atomic():
            locked = lock(conversation)
            if locked.state == State.CLOSED:
                if locked.webchat_id is None:
                    raise WebchatDeleted
                locked.assignee = user
                reopen_locked(locked)
                save(locked)
            return locked
    except IntegrityError:
        raise VisitorMovedOn from None


@transaction.atomic
def configure(*, conversation: Conversation, **values: object) -> Conversation:
    """Set ``prompt`` or ``is_autopilot`` of this conversation, from the next message on.

    Without autopilot, a running reply becomes a draft at once.
    """
    locked = lock(conversation)
    for name, value in values.items():
        setattr(locked, name, value)
    if locked.handler == Handler.AI and not is_autopilot(locked):
        turn_into_drafts(Reply.objects.filter(conversation=locked))
    save(locked, *values)
    return locked
