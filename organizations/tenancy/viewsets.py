"""Viewsets for rows of organizations."""

from contextlib import nullcontext
from typing import Any, ClassVar, Final, TypeVar, cast

from django.db.models import QuerySet, Sum
from django.db.models.expressions import Combinable
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.models import User
from organizations.tenancy.concurrency import search_slot
from organizations.tenancy.large_responses import LARGE_BYTES, reserve_large_response
from organizations.tenancy.models import TenantQuerySet, TenantScoped, TenantUser
from webchat_project.api.pagination import DocumentPagination
from webchat_project.api.viewsets import DocumentViewSet, ReadUpdateViewSet

_Row = TypeVar("_Row", bound=TenantScoped)

#: A page of so few rows is no large response, whatever their length.
_MAX_UNCOUNTED: Final = 3


class TenantReadUpdateViewSet(ReadUpdateViewSet[_Row]):
    """A resource whose rows belong to organizations, and are not created or deleted by clients.

    Rows of other organizations return 404. Subclasses set ``queryset`` and ``serializer_class``.
    """

    #: The approximate bytes of a row's JSON, if some rows can be a large response.
    row_bytes: ClassVar[Combinable | None] = None

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

    # Any: the stubs allow only rows of the viewset's model.
    def paginate_queryset(self, queryset: Any) -> Any:
        """Return the rows of the page. Raise ``ResponsesBusy`` for a large page at the limit."""
        if self.row_bytes is not None:
            self._reserve_large_page(queryset)
        return super().paginate_queryset(queryset)

    def _reserve_large_page(self, queryset: QuerySet[_Row]) -> None:
        assert isinstance(self.paginator, DocumentPagination)
        page, limit = self.paginator.build_page(self.request)
        if limit > _MAX_UNCOUNTED:
            rows = queryset.annotate(row_bytes=self.row_bytes)[(page - 1) * limit : page * limit]
            if (rows.aggregate(total=Sum("row_bytes"))["total"] or 0) > LARGE_BYTES:
                reserve_large_response(self.request._request)


class TenantViewSet(TenantReadUpdateViewSet[_Row], DocumentViewSet[_Row]):
    """A resource whose rows belong to organizations. Rows of other organizations return 404."""
