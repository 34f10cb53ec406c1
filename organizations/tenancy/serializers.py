"""Serializers for rows of organizations, and fields that refer to such rows."""

import re
from functools import lru_cache
from types import SimpleNamespace
from typing import TypeVar

from django.db import models
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import SkipField

from organizations import colors, fields
from organizations.models import Organization
from organizations.tenancy.models import DOES_NOT_EXIST, TenantModel, TenantQuerySet, TenantScoped
from webchat_project.api.compiled_queries import CompiledGet, Placeholder
from webchat_project.api.fields import ID_SCHEMA, IdField, StringField
from webchat_project.api.object_ids import OBJECT_ID_PATTERN, validate_object_id
from webchat_project.api.serializers import DocumentSerializer

_Row = TypeVar("_Row", bound=TenantScoped)
_TenantRow = TypeVar("_TenantRow", bound=TenantModel)


@lru_cache(maxsize=100)
def _compiled_get(model: type[_Row], is_superuser: bool) -> CompiledGet[_Row]:
    """Return the query by id for the rows that a superuser or a member may access.

    A field without a queryset of its own uses it, as ``ModelSerializer`` builds them. CPU time of
    creating a webchat, without divided by with: 1.2.
    """
    organization_id = Placeholder("organization_id")
    user = SimpleNamespace(is_superuser=is_superuser, organization_id=organization_id)
    rows: TenantQuerySet[_Row] = TenantQuerySet(model).for_user(user)
    return CompiledGet(rows.order_by().filter(pk=Placeholder("pk")))


@extend_schema_field(ID_SCHEMA)
class TenantRelatedField(serializers.PrimaryKeyRelatedField[_Row]):
    """The id of a row that the user may access.

    The ids of other organizations' rows are rejected like ids that do not exist.
    """

    default_error_messages = {
        "does_not_exist": DOES_NOT_EXIST,
        "incorrect_type": str(validate_object_id.message),
    }

    def get_queryset(self) -> TenantQuerySet[_Row]:
        queryset = super().get_queryset()
        assert isinstance(queryset, TenantQuerySet)
        return queryset.for_user(self.context["request"].user)

    # ``RelatedField`` treats "" as null, as in a form. In JSON it is an invalid id.
    run_validation = serializers.Field.run_validation

    def to_internal_value(self, data: object) -> _Row:
        """Return the row.

        Raise ``SkipField`` for the stored id. It is kept without a query, even if the row could no
        longer be selected.
        """
        if not isinstance(data, str):
            self.fail("incorrect_type")
        instance = getattr(self.parent, "instance", None)
        if data == getattr(instance, f"{self.source}_id", None):
            raise SkipField
        row = self._find(data) if re.fullmatch(OBJECT_ID_PATTERN, data) else None
        if row is None:
            self.fail("does_not_exist", kind=self.get_queryset().model._meta.verbose_name)
        return row

    def _find(self, pk: str) -> _Row | None:
        queryset: models.Manager[_Row] | models.QuerySet[_Row] = vars(self)["queryset"]
        if isinstance(queryset, models.QuerySet):
            return self.get_queryset().filter(pk=pk).first()
        user = self.context["request"].user
        find = _compiled_get(queryset.model, user.is_superuser)
        return find(organization_id=user.organization_id, pk=pk)


@extend_schema_field({"type": "string", "pattern": colors.INPUT_PATTERN, "example": "#1F2937"})
class ColorField(StringField):
    """A color as ``#RGB`` or ``#RRGGBB``. The model field validates and expands it."""


class TenantScopedSerializer(DocumentSerializer[_Row]):
    """The document of a row that belongs to an organization, directly or through another row."""

    serializer_related_field = TenantRelatedField
    serializer_field_mapping = {
        **DocumentSerializer.serializer_field_mapping,
        fields.ColorField: ColorField,
        fields.ObjectIdField: IdField,
    }


class TenantDocumentSerializer(TenantScopedSerializer[_TenantRow]):
    """The document of a row with an organization.

    A new row gets the user's organization. A superuser, who has none, must send
    ``organizationId``. It cannot be changed later.
    """

    superuser_fields = {
        "organizationId": TenantRelatedField(
            source="organization", queryset=Organization.objects.all()
        )
    }

    def new_row(self) -> _TenantRow:
        return self.model(organization_id=self.context["request"].user.organization_id)
