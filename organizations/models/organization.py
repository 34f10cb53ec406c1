"""The organization: the tenant that every other row belongs to."""

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from simple_history.models import HistoricalRecords

from organizations import constraints, storage_keys
from organizations.fields import NAME_LENGTH, TrimmedCharField
from organizations.tenancy.models import TenantScoped


class Organization(TenantScoped):
    """A tenant. ``name`` is public; ``assistant_name``, if set, titles the widget instead."""

    tenant_path = "pk"

    name = TrimmedCharField(
        max_length=NAME_LENGTH, help_text="Visitors see it in the header of your widgets."
    )
    assistant_name = TrimmedCharField(
        max_length=NAME_LENGTH,
        blank=True,
        default="",
        help_text="If set, visitors see this instead of the organization's name.",
    )

    history = HistoricalRecords()

    #: A storage key; empty: none.
    default_icon = models.CharField(
        max_length=storage_keys.MAX_LENGTH,
        blank=True,
        default="",
        editable=False,
        validators=[RegexValidator(rf"\A{storage_keys.PATTERN}\Z")],
        help_text="What the organization's widgets show that have no icon of their own.",
    )

    class Meta:
        ordering = ("name", "id")
        constraints = (constraints.own_storage_key("default_icon", "id"),)

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse another organization's object."""
        if self.default_icon and storage_keys.organization_id_of(self.default_icon) != self.pk:
            message = "This is not an object of the organization."
            raise ValidationError({"default_icon": ValidationError(message, "invalid")})

    @property
    def public_title(self) -> str:
        """What the header of the organization's widgets says."""
        return self.assistant_name or self.name
