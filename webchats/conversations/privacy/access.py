"""The roles that export and erase people."""

from organizations.auth.roles import Operation, role_allows
from organizations.models import User
from webchats.conversations.models import Contact, Erasure


def may_export(user: User) -> bool:
    """Return whether the user may export people: everyone who can add and import contacts."""
    return role_allows(user.role, Operation.ADD, Contact)


def may_erase(user: User) -> bool:
    """Return whether the user may erase people: administrators."""
    return role_allows(user.role, Operation.ADD, Erasure)
