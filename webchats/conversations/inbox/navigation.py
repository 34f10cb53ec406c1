"""The link to the inbox in the navigation, with the number of waiting conversations."""

from typing import Final

from django.urls import reverse

from organizations.auth.roles import Operation, role_allows
from organizations.models import User
from organizations.navigation import NavItem
from webchats.conversations.models import Conversation, ConversationQuerySet

#: Counts stop here, so that they cost the same in every organization.
_MAX_COUNT: Final = 99


def get_nav_item(user: User) -> NavItem | None:
    """Return the link; ``None`` for a user who may not read conversations."""
    if not role_allows(user.role, Operation.VIEW, Conversation):
        return None
    waiting = Conversation.objects.for_user(user).waiting()
    return NavItem("inbox", "Inbox", reverse("inbox:list"), count_up_to_limit(waiting), "waiting")


def count_up_to_limit(conversations: ConversationQuerySet[Conversation]) -> str:
    """Return the number of conversations, ``99+`` for more, and an empty text for none."""
    count = conversations.order_by()[: _MAX_COUNT + 1].count()
    return f"{_MAX_COUNT}+" if count > _MAX_COUNT else str(count or "")
