"""Viewsets for rows of organizations."""

from typing import Any, TypeVar, cast

from organizations.models import User
from organizations.tenancy.models import TenantQuerySet, TenantScoped
from webchat_project.api.viewsets import DocumentViewSet

_Row = TypeVar("_Row", bound=TenantScoped)


class TenantViewSet(DocumentViewSet[_Row]):
    """A resource whose rows belong to organizations. Other rows give a 404.

    Subclasses set ``queryset`` and ``serializer_class``.
    """

    def rows_of(self, user: Any) -> Any:
        """Return the rows that exist for ``user``."""
        queryset = super().rows_of(user)
        assert isinstance(queryset, TenantQuerySet)
        return self.locked(queryset.for_user(user))

    @property
    def tenant_id(self) -> str | None:
        """Return the id of the user's organization, or ``None`` for a superuser."""
        return cast("User", self.request.user).organization_id
