"""Who may read reports: the roles that read the usage of the AI, which is a part of them."""

from typing import Final

from organizations.auth.roles import MEMBER_ROLES, Operation, role_allows
from organizations.models import AiUsage, User

#: The roles of members that read reports.
REPORT_ROLES: Final = [
    role.value for role in MEMBER_ROLES if role_allows(role, Operation.VIEW, AiUsage)
]


def may_read_reports(user: User) -> bool:
    """Return whether the user may read reports: of the own organization, or as a superuser."""
    return role_allows(user.role, Operation.VIEW, AiUsage)
