"""Which conversations need a representative, and which members are to be notified of them."""

from typing import Final

from django.db.models import Exists, OuterRef, Q

from organizations.auth.roles import MEMBER_ROLES, Operation, role_allows
from organizations.models import User
from organizations.tenancy.models import TenantQuerySet
from webchats.conversations.models import Conversation, Draft
from webchats.conversations.transitions import Handler, State

#: The roles that answer visitors.
_ROLES: Final = [
    role.value for role in MEMBER_ROLES if role_allows(role, Operation.CHANGE, Conversation)
]


def needs_rep(conversation: Conversation) -> bool:
    """Return whether the visitor waits for a person, perhaps to approve a draft.

    The conversation is open, and nobody has answered since the visitor wrote or asked for a person.
    """
    if conversation.state == State.CLOSED or conversation.waiting_since is None:
        return False
    if conversation.handler != Handler.AI:
        return True
    return Draft.objects.pending().filter(conversation=conversation).exists()


def waits_for_rep() -> Q:
    """Return the condition of ``needs_rep`` for a query of conversations."""
    drafts = Draft.objects.pending().filter(conversation=OuterRef("pk"))
    is_waiting = Q(state=State.OPEN, waiting_since__isnull=False)
    return is_waiting & (~Q(handler=Handler.AI) | Q(Exists(drafts)))


def find_members(organization_id: str) -> TenantQuerySet[User]:
    """Return the active members of the organization who may answer visitors."""
    members = User.objects.for_organization(organization_id)
    return members.filter(is_active=True, access_role__in=_ROLES)


def find_recipients(conversation: Conversation) -> TenantQuerySet[User]:
    """Return the assignee, or every active member who may answer if there is none.

    The same if the assignee is no active member. Includes members who are away or online.
    """
    members = find_members(conversation.organization_id)
    if conversation.assignee_id is None:
        return members
    assigned = members.filter(pk=conversation.assignee_id)
    return assigned if assigned.exists() else members
