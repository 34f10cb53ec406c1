"""Which conversations need a representative, and which members are to be notified of them."""

from typing import Final

from organizations.auth.roles import MEMBER_ROLES, Operation, role_allows
from organizations.models import User
from organizations.tenancy.models import TenantQuerySet
from webchats.conversations.models import Conversation
from webchats.conversations.transitions import Handler, State

#: The roles that answer visitors.
_ROLES: Final = [
    role.value for role in MEMBER_ROLES if role_allows(role, Operation.CHANGE, Conversation)
]


def needs_rep(conversation: Conversation) -> bool:
    """Return whether the visitor waits for a person.

    The conversation is open, the AI does not answer it, and nobody has answered since the visitor
    wrote or asked for a person.
    """
    return (
        conversation.state == State.OPEN
        and conversation.handler != Handler.AI
        and conversation.waiting_since is not None
    )


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
