"""Which conversations need a representative, and which members are to be notified of them."""

from typing import Final

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


def find_recipients(conversation: Conversation) -> TenantQuerySet[User]:
    """Return the assignee, or every active member who may answer if there is none.

    So also if the assignee is no active member of the organization. Includes who is away or online.
    """
    members = User.objects.for_organization(conversation.organization_id).filter(
        is_active=True, access_role__in=_ROLES
    )
    if conversation.assignee_id is None:
        return members
    assigned = members.filter(pk=conversation.assignee_id)
    return assigned if assigned.exists() else members
