"""The link to the inbox in the navigation, with the number of visitors who wait for a person."""

from django.urls import reverse

from organizations.auth.roles import Operation, role_allows
from organizations.models import User
from organizations.navigation import NavItem
from webchats.conversations.inbox.built_in_views import add_counts, count_rows, format_count
from webchats.conversations.models import Conversation, Draft


def get_nav_item(user: User, waiting: str | None = None) -> NavItem | None:
    """Return the link; ``None`` for a user who may not read conversations.

    ``waiting`` is the number of conversations of the user's organization that wait for a person or
    for the approval of a draft, if it is known.
    """
    if not role_allows(user.role, Operation.VIEW, Conversation):
        return None
    if waiting is None or user.is_superuser:
        waiting = add_counts(*map(format_count, count_waiting(user)))
    return NavItem("inbox", "Inbox", reverse("inbox:list"), waiting, "waiting")


def count_waiting(user: User) -> tuple[int, int]:
    """Return how many conversations of the user wait for a person, and how many for the approval
    of a draft. One query, which counts up to ``COUNT_LIMIT``.
    """
    conversations = count_rows(Conversation.objects.for_user(user).waiting())
    drafts = count_rows(Draft.objects.for_user(user).pending())
    waiting, pending = User.objects.values_list(conversations, drafts).get(pk=user.pk)
    return waiting, pending
