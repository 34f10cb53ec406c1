"""The conversations of a user who no longer answers."""

from django.db import transaction

from organizations.models import User
from webchats.conversations.locking import save
from webchats.conversations.models import Conversation
from webchats.conversations.transitions import Action, next_handler


@transaction.atomic
def release_conversations(user: User) -> None:
    """Let the user's open conversations wait for another person, without an assignee.

    Closed ones keep their assignee. They have none after reopening if the user is deactivated.
    """
    own = Conversation.objects.open().filter(assignee=user).order_by("pk")
    for conversation in own.select_for_update(of=("self",), no_key=True):
        conversation.assignee = None
        conversation.handler = next_handler(conversation.handler, Action.ASSIGNEE_DEACTIVATED)
        save(conversation, "assignee", "handler")
