"""Automatic assignment, and the conversations of a user who no longer answers."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from itertools import zip_longest
from typing import Final

from django.db import transaction
from django.utils import timezone

from organizations.models import User
from webchats.conversations.events import conversation_changed
from webchats.conversations.models import Conversation
from webchats.conversations.presence import load_presence, take_turns
from webchats.conversations.transitions import Action, Handler, next_handler

#: Conversations that are read and released at a time.
_BATCH: Final = 1_000
_SWITCH: Final = "webchat__is_auto_assigned"


def assign_automatically(conversation: Conversation) -> None:
    """Assign the conversation, which waits for a person, if its webchat does so automatically.

    Members of the organization who are online and not away take turns. An assignee who is online
    is kept, and nothing changes while nobody is available. The caller saves the conversation.
    """
    if not _is_automatic(conversation):
        return
    online = load_presence(conversation.organization_id).reps
    if not online or conversation.assignee_id in online:
        return
    if user_ids := _find_available(conversation.organization_id, online):
        [conversation.assignee_id] = take_turns(conversation.organization_id, user_ids)


@transaction.atomic
def release_conversations(user: User) -> None:
    """Let the user's open conversations wait for another person.

    They have no assignee then, unless they are assigned automatically. Closed ones keep their
    assignee. They have none after reopening if the user is deactivated.
    """
    own = Conversation.objects.open().filter(assignee=user).order_by("pk")
    rows = own.select_related("webchat").select_for_update(of=("self",), no_key=True)
    rows = rows.only("organization", "visitor_id", "last_sequence", "handler", _SWITCH)
    last = ""
    while batch := list(rows.filter(pk__gt=last)[:_BATCH]):
        _release(batch)
        last = batch[-1].pk


def _release(conversations: Sequence[Conversation]) -> None:
    """Release locked conversations, by one update for each combination of new values."""
    groups: defaultdict[tuple[Handler, str | None], list[str]] = defaultdict(list)
    automatic: defaultdict[str, list[str]] = defaultdict(list)
    for conversation in conversations:
        handler = next_handler(conversation.handler, Action.ASSIGNEE_DEACTIVATED)
        if handler == Handler.WAITING and _is_automatic(conversation):
            automatic[conversation.organization_id].append(conversation.pk)
        else:
            groups[handler, None].append(conversation.pk)
    for organization_id, pks in automatic.items():
        online = load_presence(organization_id).reps
        user_ids = _find_available(organization_id, online) if online else []
        turns = take_turns(organization_id, user_ids, len(pks)) if user_ids else []
        for assignee_id, pk in zip_longest(turns, pks):
            groups[Handler.WAITING, assignee_id].append(pk)
    for (handler, assignee_id), pks in groups.items():
        Conversation.objects.filter(pk__in=pks).update(
            handler=handler, assignee=assignee_id, updated_at=timezone.now()
        )
    for conversation in conversations:
        conversation_changed(conversation)


def _is_automatic(conversation: Conversation) -> bool:
    return conversation.webchat is not None and conversation.webchat.is_auto_assigned


def _find_available(organization_id: str, online: Collection[str]) -> list[str]:
    """Return the ids of the active members of ``online`` who are not away."""
    # Heartbeats outlast a deactivation, and superusers send them to any organization.
    members = User.objects.for_organization(organization_id)
    available = members.filter(pk__in=list(online), is_active=True, is_away=False)
    return list(available.order_by().values_list("pk", flat=True))
