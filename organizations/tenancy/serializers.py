"""Serializers of tenants' rows: whose row a document, or a reference in it, may name."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from django.db import models
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import SkipField, empty

from organizations import colors, fields
from organizations.models import Organization
from organizations.tenancy.models import TenantQuerySet
from webchat_project.api.fields import ID_SCHEMA, IdField, StringField
from webchat_project.api.object_ids import PATTERN
from webchat_project.api.serializers import DocumentSerializer

_Row = TypeVar("_Row", bound=models.Model)


@extend_schema_field(ID_SCHEMA)
class TenantRelatedField(serializers.PrimaryKeyRelatedField[Any]):
    """The id of a row that exists for the caller. Every other text, another organization's id
    among them, gets one and the same answer."""

    default_error_messages = {
        "does_not_exist": "There is no such {kind}.",
        "incorrect_type": "Must be an id: 24 hexadecimal characters.",
    }

    def get_queryset(self) -> models.QuerySet[Any]:
        return self._rows().for_user(self.context["request"].user)

    def _rows(self) -> TenantQuerySet[Any]:
        queryset = super().get_queryset()
        assert isinstance(queryset, TenantQuerySet), "a tenant's row points to tenants' rows only"
        return queryset

    def run_validation(self, data: Any = empty) -> Any:
        # The framework takes "" for null, as a form sends it; in JSON it is an id that is none.
        return self.to_internal_value(data) if data == "" else super().run_validation(data)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("incorrect_type")
        if data == getattr(self.root.instance, f"{self.source}_id", None):
            raise SkipField  # it is stored, and so it stays without being looked for
        row = self._row_of(data) if re.fullmatch(PATTERN, data) else None
        if row is None:
            self.fail("does_not_exist", kind=self._rows().model._meta.verbose_name)
        return row

    def _row_of(self, row_id: str) -> Any:
        return self.get_queryset().filter(pk=row_id).first()


@extend_schema_field({"type": "string", "pattern": colors.INPUT_PATTERN, "example": "#1F2937"})
class ColorField(StringField):
    """``#RGB`` or ``#RRGGBB``."""

    def to_internal_value(self, data: Any) -> str:
        return colors.expand_short_color(super().to_internal_value(data))


class TenantScopedSerializer(DocumentSerializer[_Row]):
    """The document of a row that belongs to an organization, directly or through a parent."""

    serializer_related_field = TenantRelatedField
    serializer_field_mapping = {
        **DocumentSerializer.serializer_field_mapping,
        fields.ColorField: ColorField,
        fields.ObjectIdField: IdField,
    }


class TenantDocumentSerializer(TenantScopedSerializer[_Row]):
    """The document of a row with an ``organization``: the caller's, or the one that a superuser
    names when creating."""

    def get_fields(self) -> dict[str, Any]:
        """``organizationId`` is read-only, except for a superuser who creates."""
        fields = super().get_fields()
        user = self.context["request"].user if "request" in self.context else None
        if self.instance is None and user is not None and user.is_superuser:
            fields["organizationId"] = TenantRelatedField(
                source="organization",
                queryset=Organization.objects,
            )
        return fields

    def unsaved_row(self, values: Mapping[str, Any]) -> _Row:
        """The row, in the caller's organization where it is new."""
        row = super().unsaved_row(values)
        if self.instance is None and "organization" not in values:
            row.organization_id = self.context["request"].user.organization_id  # type: ignore[attr-defined]
        return row
