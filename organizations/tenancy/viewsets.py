"""Viewsets of tenants' rows: the REST API answers for the caller's rows only."""

from typing import Any, TypeVar, cast

from django.db import models

from organizations.models import User
from organizations.tenancy.models import TenantQuerySet
from webchat_project.api.viewsets import DocumentViewSet

_Row = TypeVar("_Row", bound=models.Model)


class TenantViewSet(DocumentViewSet[_Row]):
    """A resource of the API whose rows belong to organizations.

    A subclass names its ``queryset`` and ``serializer_class``.
    """

    def rows_of(self, user: Any) -> Any:
        """Return the rows that exist for ``user``."""
        queryset = super().rows_of(user)
        assert isinstance(queryset, TenantQuerySet)
        return self.locked(queryset.for_user(user))

    @property
    def tenant_id(self) -> str | None:
        """The id of the caller's organization; ``None`` for a superuser."""
        return cast("User", self.request.user).organization_id
