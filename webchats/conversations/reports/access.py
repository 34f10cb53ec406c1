"""Who may read reports: the roles that may read the facts of conversations."""

from typing import Final

from organizations.auth.roles import MEMBER_ROLES, Operation, role_allows
from organizations.models import User
from webchats.conversations.models import RetainedConversation

#: The roles of members that read reports.
REPORT_ROLES: Final = [
    role.value for role in MEMBER_ROLES if role_allows(role, Operation.VIEW, RetainedConversation)
]


def may_read_reports(user: User) -> bool:
    """Return whether the user may read reports: of the own organization, or as a superuser."""
    return role_allows(user.role, Operation.VIEW, RetainedConversation)
