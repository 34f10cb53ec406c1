"""The REST API of saved views of the inbox."""

from collections.abc import Mapping
from typing import cast

from django.core.exceptions import ValidationError
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from organizations.models import User
from organizations.tenancy.models import TenantQuerySet
from organizations.tenancy.serializers import TenantDocumentSerializer
from organizations.tenancy.viewsets import TenantViewSet
from webchat_project.api.filters import (
    DocumentOrderingFilter,
    SearchFilter,
    StrictBooleanFilter,
)
from webchat_project.api.openapi_operations import request_examples, response_example
from webchats.conversations.api import examples
from webchats.conversations.filters import clean_query
from webchats.conversations.models import SavedView
from webchats.conversations.models.saved_view import SavedViewQuerySet


class SavedViewSerializer(TenantDocumentSerializer[SavedView]):
    """A saved view. ``query`` is a query string of ``GET /api/conversations``."""

    class Meta:
        model = SavedView
        fields = (
            "_id",
            "organizationId",
            "userId",
            "name",
            "query",
            "isShared",
            "createdAt",
            "updatedAt",
        )
        # The user who saved it.
        read_only_fields = ("userId",)

    def new_row(self) -> SavedView:
        """Return a view of the caller."""
        row = super().new_row()
        row.user = self.context["request"].user
        return row

    def validate_row(self, row: SavedView, values: Mapping[str, object], invalid: set[str]) -> None:
        """Also validate the query string, and remove its empty parameters."""
        super().validate_row(row, values, invalid)
        if "query" in values:
            try:
                row.query = clean_query(row.query)
            except ValidationError as error:
                raise ValidationError({"query": error}) from error


class SavedViewFilter(django_filters.FilterSet):
    """Filters and orderings of the list of saved views."""

    search = SearchFilter(fields=("name",))
    isShared = StrictBooleanFilter(field_name="is_shared")
    ordering = DocumentOrderingFilter(
        fields={"created_at": "createdAt", "updated_at": "updatedAt", "name": "name"}
    )


@extend_schema(tags=["saved views"])
@request_examples(create=examples.SAVED_VIEW_REQUEST, update={"isShared": False})
@response_example(examples.SAVED_VIEW)
class SavedViewViewSet(TenantViewSet[SavedView]):
    """Named lists of conversations: the caller's own, and those shared in the organization."""

    queryset = SavedView.objects.all()
    serializer_class = SavedViewSerializer
    filterset_class = SavedViewFilter
    document_name = "view"

    def get_queryset(self) -> TenantQuerySet[SavedView]:
        """Return the views that the caller may see."""
        views = super().get_queryset()
        assert isinstance(views, SavedViewQuerySet)
        return views.visible_to(self._user)

    def check_object_permissions(self, request: Request, obj: SavedView) -> None:
        """Refuse a write to another user's view, unless the role may change shared views."""
        super().check_object_permissions(request, obj)
        if request.method not in SAFE_METHODS and not obj.can_be_changed_by(self._user):
            self.permission_denied(request)

    @property
    def _user(self) -> User:
        return cast("User", self.request.user)
