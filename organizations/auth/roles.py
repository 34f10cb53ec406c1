"""Roles and their permissions. The API and the admin site use the same rules."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, TypeAlias

from django.db import models

from organizations.tenancy.models import TenantScoped


class Operation(StrEnum):
    """An operation on rows, named as in Django's permissions."""

    VIEW = "view"
    ADD = "add"
    CHANGE = "change"
    DELETE = "delete"


class AccessRole(models.TextChoices):
    """A user's role (``accessRole`` in the API)."""

    SUPERADMIN = "SUPERADMIN", "Super administrator"
    ADMIN = "ADMIN", "Administrator"
    DEPARTMENT_HEAD = "DEPARTMENT_HEAD", "Department head"
    SALES_REP = "SALES_REP", "Sales representative"


#: The roles of members. ``SUPERADMIN`` is Django's superuser flag.
MEMBER_ROLES: Final = (AccessRole.ADMIN, AccessRole.DEPARTMENT_HEAD, AccessRole.SALES_REP)

#: The roles that read figures, such as the usage of the AI.
_HEADS: Final = (AccessRole.ADMIN, AccessRole.DEPARTMENT_HEAD)

_Operations: TypeAlias = frozenset[Operation]
_VIEW_ONLY: Final[_Operations] = frozenset({Operation.VIEW})
_FULL_ACCESS: Final[_Operations] = frozenset(Operation)

_DEFAULT_GRANTS: Final[dict[str, _Operations]] = {
    AccessRole.ADMIN: _FULL_ACCESS,
    AccessRole.DEPARTMENT_HEAD: _FULL_ACCESS,
    AccessRole.SALES_REP: _VIEW_ONLY,
}

#: Models with other grants than ``_DEFAULT_GRANTS``, by lower-case label. Apps above add theirs:
#: see ``register_grants``.
_GRANTS_BY_MODEL: Final[dict[str, dict[str, _Operations]]] = {
    "organizations.aiprovider": {
        AccessRole.ADMIN: _FULL_ACCESS,
        AccessRole.DEPARTMENT_HEAD: _VIEW_ONLY,
        AccessRole.SALES_REP: _VIEW_ONLY,
    },
    "organizations.aiusage": dict.fromkeys(_HEADS, _VIEW_ONLY),
    "organizations.aimonth": dict.fromkeys(_HEADS, _VIEW_ONLY),
    "organizations.organization": {
        AccessRole.ADMIN: _VIEW_ONLY | {Operation.CHANGE},
        AccessRole.DEPARTMENT_HEAD: _VIEW_ONLY,
        AccessRole.SALES_REP: _VIEW_ONLY,
    },
    "organizations.user": {
        AccessRole.ADMIN: _FULL_ACCESS,
        AccessRole.DEPARTMENT_HEAD: _VIEW_ONLY,
        AccessRole.SALES_REP: _VIEW_ONLY,
    },
}


def register_grants(
    model: type[models.Model],
    *operations: Operation,
    heads: Iterable[Operation] = (),
    roles: Iterable[str] = MEMBER_ROLES,
) -> None:
    """Allow these roles of members these operations on a model, and no others.

    Those of department heads and administrators are also allowed the operations ``heads``. An app
    above this one calls it beside its models.
    """
    _GRANTS_BY_MODEL[model._meta.label_lower] = {
        role: frozenset([*operations, *(heads if role in _HEADS else ())]) for role in roles
    }


def role_allows(role: str, operation: Operation, model: type[models.Model]) -> bool:
    """Return whether ``role`` may perform ``operation`` on rows of ``model``.

    A superuser may do everything. Members may only access rows of their own organization, so they
    may do nothing on models whose rows belong to no organization.
    """
    if role == AccessRole.SUPERADMIN:
        return True
    if not issubclass(model, TenantScoped):
        return False
    grants = _GRANTS_BY_MODEL.get(model._meta.label_lower, _DEFAULT_GRANTS)
    return operation in grants.get(role, frozenset())
