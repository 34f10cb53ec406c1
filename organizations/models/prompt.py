"""Prompts: instructions and model settings of the AI."""

from collections.abc import Collection
from typing import ClassVar, Final, Unpack

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction

from organizations import constraints
from organizations.fields import NAME_LENGTH, TrimmedCharField, TrimmedTextField
from organizations.history import ChangeHistory
from organizations.models.ai_provider import MODEL_LENGTH, AiProvider, require_selectable
from organizations.options import SaveOptions
from organizations.tenancy.models import TenantModel
from organizations.tenancy.on_delete import restrict_counted

INSTRUCTIONS_LENGTH = 20_000
TEMPERATURE = (0, 2)
MAX_TOKENS = (1, 32_000)
#: The fields that determine a reply. A change of one of them makes a new version.
VERSIONED_FIELDS: Final = ("instructions", "model", "temperature", "max_tokens", "provider_id")


class Prompt(TenantModel):
    """Instructions for the AI, with the settings of the language model."""

    max_per_organization = 500
    # The history page shows the version in the heading of each change.
    hidden_in_history: ClassVar[frozenset[str]] = TenantModel.hidden_in_history | {"version"}

    name = TrimmedCharField(max_length=NAME_LENGTH)
    instructions = TrimmedTextField(max_length=INSTRUCTIONS_LENGTH)
    model = TrimmedCharField(
        max_length=MODEL_LENGTH,
        blank=True,
        default="",
        help_text="The language model. If empty, the default model is used.",
    )
    temperature = models.FloatField(
        default=0.7,
        validators=[MinValueValidator(TEMPERATURE[0]), MaxValueValidator(TEMPERATURE[1])],
        help_text="0: predictable, 2: creative.",
    )
    max_tokens = models.IntegerField(
        default=1024,
        validators=[MinValueValidator(MAX_TOKENS[0]), MaxValueValidator(MAX_TOKENS[1])],
        help_text="The maximum length of a reply, in tokens.",
    )
    provider = models.ForeignKey(
        AiProvider,
        on_delete=restrict_counted,
        null=True,
        blank=True,
        related_name="prompts",
        help_text="If empty, the default provider of the organization is used.",
    )
    provider_id: str | None
    is_active = models.BooleanField(
        default=True,
        verbose_name="active",
        help_text="Only active prompts can be selected for a webchat.",
    )

    version = models.PositiveIntegerField(default=1, db_default=1, editable=False)

    history = ChangeHistory()

    class Meta:
        ordering = ("name", "id")
        indexes = (
            models.Index(fields=("organization", "-created_at", "-id"), name="prompt_newest"),
        )
        constraints = (
            constraints.length_between("name", 1, NAME_LENGTH),
            constraints.length_between("instructions", 1, INSTRUCTIONS_LENGTH),
            constraints.between("temperature", *TEMPERATURE),
            constraints.between("max_tokens", *MAX_TOKENS),
        )

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Reject another provider if it is of another organization, or cannot be called."""
        super().clean()
        if self.provider is not None and not self.is_stored("provider_id"):
            try:
                require_selectable(self.provider, self.organization_id)
            except ValidationError as error:
                raise ValidationError({"provider": error}) from None

    def save(self, **options: Unpack[SaveOptions]) -> None:
        """Save the row. A change of one of ``VERSIONED_FIELDS`` increments ``version``."""
        if self._state.adding:
            super().save(**options)
            return
        with transaction.atomic():
            updated = options.get("update_fields")
            names = None if updated is None else {*updated}
            if self._set_version(names) and names is not None:
                options["update_fields"] = {*names, "version"}
            super().save(**options)

    def _set_version(self, names: Collection[str] | None) -> bool:
        """Set the version that a save of the fields ``names`` stores; ``None`` for all fields.

        Return whether it is a new one. Locks the stored row, so that each version is used once.
        """
        rows = Prompt.objects.select_for_update(no_key=True).filter(pk=self.pk)
        stored = rows.values("version", *VERSIONED_FIELDS).first()
        if stored is None:
            return False
        is_new = any(
            getattr(self, name) != stored[name]
            for name in VERSIONED_FIELDS
            if names is None or {name, name.removesuffix("_id")} & {*names}
        )
        self.version = stored["version"] + is_new
        return is_new
