"""Viewsets for rows of organizations."""

from typing import TypeVar, cast

from organizations.tenancy.models import TenantQuerySet, TenantScoped, TenantUser
from webchat_project.api.viewsets import DocumentViewSet, ReadUpdateViewSet

_Row = TypeVar("_Row", bound=TenantScoped)


class TenantReadUpdateViewSet(ReadUpdateViewSet[_Row]):
    """A resource whose rows belong to organizations, and are not created or deleted by clients.

    Rows of other organizations return 404. Subclasses set ``queryset`` and ``serializer_class``.
    """

    def get_queryset(self) -> TenantQuerySet[_Row]:
        """Return the rows that the user may access."""
        queryset = super().get_queryset()
        assert isinstance(queryset, TenantQuerySet)
        return queryset.for_user(cast("TenantUser", self.request.user))


class TenantViewSet(TenantReadUpdateViewSet[_Row], DocumentViewSet[_Row]):
    """A resource whose rows belong to organizations. Rows of other organizations return 404."""
