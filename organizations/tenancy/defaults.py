"""Models of which an organization has at most one default row."""

from collections.abc import Collection
from typing import Unpack

from django.db import models, transaction

from organizations.options import SaveOptions
from organizations.tenancy.models import TenantModel


class ModelWithDefault(TenantModel):
    """A model with at most one row per organization whose ``is_default`` is true.

    Its ``Meta`` has the constraint. Saving a new default replaces the current one.
    """

    is_default = models.BooleanField(default=False, verbose_name="default")

    class Meta:
        abstract = True

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """Validate all constraints except that of the default, which ``save`` satisfies."""
        super().validate_constraints(exclude={*(exclude or ()), "is_default"})

    @transaction.atomic
    def save(self, **options: Unpack[SaveOptions]) -> None:
        """Save the row. A new default replaces the current one."""
        if self.is_default:
            rows = type(self)._default_manager.filter(organization_id=self.organization_id)
            for other in rows.filter(is_default=True).exclude(pk=self.pk):
                other.is_default = False
                other.save(update_fields=["is_default", "updated_at"])
        super().save(**options)
