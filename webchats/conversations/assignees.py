"""Automatic assignment, and the conversations of a user who no longer answers."""

from django.db import transaction

from organizations.models import User
from webchats.conversations.locking import save
from webchats.conversations.models import Conversation
from webchats.conversations.presence import load_presence, take_turn
from webchats.conversations.transitions import Action, Handler, next_handler


def assign_automatically(conversation: Conversation) -> None:
    """Assign the conversation, which waits for a person, if its webchat does so automatically.

    Members of the organization who are online and not away take turns. An assignee who is online
    stays, and nothing changes while nobody is available. The caller saves the conversation.
    """
    webchat = conversation.webchat
    if webchat is None or not webchat.is_auto_assigned:
        return
    online = load_presence(conversation.organization_id).reps
    if not online or conversation.assignee_id in online:
        return
    # Heartbeats outlast a deactivation, and superusers send them to any organization.
    members = User.objects.for_organization(conversation.organization_id)
    available = members.filter(pk__in=list(online), is_active=True, is_away=False)
    if user_ids := list(available.order_by().values_list("pk", flat=True)):
        conversation.assignee_id = take_turn(conversation.organization_id, user_ids)


@transaction.atomic
def release_conversations(user: User) -> None:
    """Let the user's open conversations wait for another person.

    They have no assignee then, unless they are assigned automatically. Closed ones keep their
    assignee. They have none after reopening if the user is deactivated.
    """
    own = Conversation.objects.open().filter(assignee=user).order_by("pk")
    rows = own.select_related("webchat").select_for_update(of=("self",), no_key=True)
    for conversation in rows:
        conversation.assignee = None
        conversation.handler = next_handler(conversation.handler, Action.ASSIGNEE_DEACTIVATED)
        if conversation.handler == Handler.WAITING:
            assign_automatically(conversation)
        save(conversation, "assignee", "handler")
