"""The model ``Organization``, the tenant that all other rows belong to."""

from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from organizations import constraints, storage_keys
from organizations.fields import NAME_LENGTH, TrimmedCharField
from organizations.history import ChangeHistory
from organizations.tenancy.models import TenantScoped
from organizations.time_zones import DEFAULT_TIME_ZONE, TIME_ZONE_LENGTH, validate_time_zone

#: A year.
MAX_INACTIVITY_HOURS: Final = 8_760
#: Ten years.
MAX_RETENTION_DAYS: Final = 3_650
_RETENTION_VALIDATORS: Final = (MinValueValidator(1), MaxValueValidator(MAX_RETENTION_DAYS))


class Organization(TenantScoped):
    """A tenant: a customer with its own users, webchats, prompts and pipelines."""

    tenant_path = "pk"

    name = TrimmedCharField(
        max_length=NAME_LENGTH, help_text="Shown to visitors in the header of your widgets."
    )
    assistant_name = TrimmedCharField(
        max_length=NAME_LENGTH,
        blank=True,
        default="",
        help_text="Shown to visitors instead of the organization's name, if set.",
    )

    mask_card_numbers = models.BooleanField(
        default=True,
        db_default=True,
        help_text="Payment card numbers in messages are masked before they are stored.",
    )

    inactivity_hours = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(MAX_INACTIVITY_HOURS)],
        verbose_name="close after hours of silence",
        help_text=(
            "Open conversations are closed after this time without a message. 0: never. If empty, "
            "24 hours with automatic answers, else 72."
        ),
    )

    time_zone = models.CharField(
        max_length=TIME_ZONE_LENGTH,
        default=DEFAULT_TIME_ZONE,
        db_default=DEFAULT_TIME_ZONE,
        validators=[validate_time_zone],
        help_text="The days and hours of the reports, such as Europe/Berlin.",
    )
    retention_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=_RETENTION_VALIDATORS,
        verbose_name="delete conversations after days",
        help_text=(
            "Closed conversations are deleted this many days after they were closed. Their figures "
            "stay in the reports. If empty, they are kept."
        ),
    )
    contact_retention_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=_RETENTION_VALIDATORS,
        verbose_name="delete contacts after days",
        help_text=(
            "Contacts without conversations are deleted this many days after they were last seen. "
            "If empty, they are kept."
        ),
    )

    history = ChangeHistory()

    #: A storage key, or empty.
    default_icon = models.CharField(
        max_length=storage_keys.MAX_LENGTH,
        blank=True,
        default="",
        editable=False,
        validators=[RegexValidator(rf"\A{storage_keys.STORAGE_KEY_PATTERN}\Z")],
        help_text="Shown by widgets without an icon of their own.",
    )

    class Meta:
        ordering = ("name", "id")
        constraints = (
            constraints.own_storage_key("default_icon", "id"),
            constraints.between("inactivity_hours", 0, MAX_INACTIVITY_HOURS),
            constraints.between("retention_days", 1, MAX_RETENTION_DAYS),
            constraints.between("contact_retention_days", 1, MAX_RETENTION_DAYS),
        )

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Reject another organization's storage key."""
        if self.default_icon and storage_keys.parse_organization_id(self.default_icon) != self.pk:
            message = "The storage key belongs to another organization."
            raise ValidationError({"default_icon": ValidationError(message, "invalid")})

    @property
    def public_title(self) -> str:
        """Return the title in the header of the organization's widgets."""
        return self.assistant_name or self.name
