"""The link to the inbox in the navigation, with the number of waiting conversations."""

from django.urls import reverse

from organizations.auth.roles import Operation, role_allows
from organizations.models import User
from organizations.navigation import NavItem
from webchats.conversations.inbox.built_in_views import COUNT_LIMIT, format_count
from webchats.conversations.models import Conversation


def get_nav_item(user: User, waiting: str | None = None) -> NavItem | None:
    """Return the link; ``None`` for a user who may not read conversations.

    ``waiting`` is the number of conversations that wait in the user's organization, if it is known.
    """
    if not role_allows(user.role, Operation.VIEW, Conversation):
        return None
    if waiting is None or user.is_superuser:
        rows = Conversation.objects.for_user(user).waiting().order_by()
        waiting = format_count(rows[:COUNT_LIMIT].count())
    return NavItem("inbox", "Inbox", reverse("inbox:list"), waiting, "waiting")
