"""The table of roles: what each may do, for API and admin alike."""

from enum import StrEnum
from typing import Final

from django.db import models

from organizations.tenancy.models import TenantScoped


class Action(StrEnum):
    """What can be done to a row; the words are those of Django's permissions."""

    VIEW = "view"
    ADD = "add"
    CHANGE = "change"
    DELETE = "delete"


class AccessRole(models.TextChoices):
    """A person's place in the organization (``accessRole`` in the API)."""

    SUPERADMIN = "SUPERADMIN", "Super administrator"
    ADMIN = "ADMIN", "Administrator"
    DEPARTMENT_HEAD = "DEPARTMENT_HEAD", "Department head"
    SALES_REP = "SALES_REP", "Sales representative"


#: The roles a member of an organization can have; ``SUPERADMIN`` is Django's superuser flag.
MEMBER_ROLES: Final = (AccessRole.ADMIN, AccessRole.DEPARTMENT_HEAD, AccessRole.SALES_REP)

_READ = frozenset({Action.VIEW})
_WRITE = frozenset(Action)
_Grants = dict[str, frozenset[Action]]

_TENANT_ROWS: Final[_Grants] = {
    AccessRole.ADMIN: _WRITE,
    AccessRole.DEPARTMENT_HEAD: _WRITE,
    AccessRole.SALES_REP: _READ,
}

#: Where a model differs from what every other row of an organization allows.
_EXCEPTIONS: Final[dict[str, _Grants]] = {
    "organizations.organization": {
        AccessRole.ADMIN: _READ | {Action.CHANGE},
        AccessRole.DEPARTMENT_HEAD: _READ,
        AccessRole.SALES_REP: _READ,
    },
    "organizations.user": {
        AccessRole.ADMIN: _WRITE,
        AccessRole.DEPARTMENT_HEAD: _READ,
        AccessRole.SALES_REP: _READ,
    },
}


def may(role: str, action: Action, model: type[models.Model]) -> bool:
    """Whether ``role`` may do ``action`` to rows of ``model`` (within the own organization)."""
    if role == AccessRole.SUPERADMIN:
        return True
    if not issubclass(model, TenantScoped):
        return False
    grants = _EXCEPTIONS.get(model._meta.label_lower, _TENANT_ROWS)
    return action in grants.get(role, frozenset())
