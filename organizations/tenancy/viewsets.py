"""Viewsets for rows of organizations."""

from contextlib import nullcontext
from typing import TypeVar, cast

from rest_framework.request import Request
from rest_framework.response import Response

from organizations.models import User
from organizations.tenancy.concurrency import search_slot
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

    def list(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Return a page. Raise ``SearchesBusy`` for a search while others run."""
        assert isinstance(request.user, User)
        with search_slot(request.user) if request.query_params.get("search") else nullcontext():
            return super().list(request, *args, **kwargs)


class TenantViewSet(TenantReadUpdateViewSet[_Row], DocumentViewSet[_Row]):
    """A resource whose rows belong to organizations. Rows of other organizations return 404."""
