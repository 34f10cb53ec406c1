"""Providers of language models."""

import re
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from organizations import constraints
from organizations.ai import addresses, encryption
from organizations.fields import NAME_LENGTH, TrimmedCharField
from organizations.history import ChangeHistory
from organizations.tenancy.defaults import ModelWithDefault
from organizations.tenancy.models import require_organization
from organizations.tenancy.on_delete import restrict_counted

BASE_URL_LENGTH: Final = 300
MODEL_LENGTH: Final = 100
#: The maximum length of an API key, and the number of characters that ``key_hint`` shows.
API_KEY_LENGTH: Final = 500
HINT_LENGTH: Final = 4
#: A shorter key would be shown to a large part.
_MIN_LENGTH_FOR_HINT: Final = 4 * HINT_LENGTH
ERROR_LENGTH: Final = 500
FIRST_TOKEN_SECONDS: Final = (1, 20)
TOTAL_SECONDS: Final = (1, 60)
MAX_PARALLEL: Final = (1, 1_000)
MONTHLY_TOKENS: Final = (0, 1_000_000_000_000)
PRICE: Final = (0, 1_000_000)

#: Fields that the change history does not contain: the API key, and results of calls.
_UNRECORDED: Final = frozenset({"encrypted_api_key", "last_ok_at", "last_error", "last_error_at"})


class ProviderKind(models.TextChoices):
    """The protocol of a provider."""

    OPENAI = "openai", "OpenAI, or compatible"
    ANTHROPIC = "anthropic", "Anthropic"
    BUILTIN = "builtin", "Built-in search, without an AI model"


#: The base URL of each kind if a provider has none.
VENDOR_URLS: Final[dict[str, str]] = {
    ProviderKind.OPENAI: "https://api.openai.com/v1",
    ProviderKind.ANTHROPIC: "https://api.anthropic.com",
}
#: The base URLs for which calls need an API key. An empty one is the vendor's.
URLS_WITH_API_KEY: Final = ("", *VENDOR_URLS.values())


def _within(bounds: tuple[int, int]) -> list[MinValueValidator | MaxValueValidator]:
    return [MinValueValidator(bounds[0]), MaxValueValidator(bounds[1])]


def validate_api_key(key: str) -> None:
    """Raise ``ValidationError`` for a key that no HTTP header can contain."""
    if not re.fullmatch(rf"[!-~]{{0,{API_KEY_LENGTH}}}", key):
        message = f"An API key has at most {API_KEY_LENGTH} ASCII characters, without spaces."
        raise ValidationError(message, "invalid")


class AiProvider(ModelWithDefault):
    """A provider of language models, with its encrypted API key.

    An organization has at most one default, for prompts without a provider.
    """

    max_per_organization = 50
    hidden_in_history = ModelWithDefault.hidden_in_history | _UNRECORDED

    name = TrimmedCharField(max_length=NAME_LENGTH)
    kind = models.CharField(max_length=20, choices=ProviderKind.choices)
    base_url = TrimmedCharField(
        max_length=BASE_URL_LENGTH,
        blank=True,
        default="",
        verbose_name="base URL",
        help_text="If empty, that of OpenAI or Anthropic.",
    )
    #: The ciphertext, or empty. ``api_key`` reads and writes it.
    encrypted_api_key = models.TextField(blank=True, default="", editable=False)
    key_hint = models.CharField(max_length=HINT_LENGTH, blank=True, default="", editable=False)
    default_model = TrimmedCharField(
        max_length=MODEL_LENGTH,
        blank=True,
        default="",
        help_text="The model of prompts that name none.",
    )
    fallback = models.ForeignKey(
        "self",
        on_delete=restrict_counted,
        null=True,
        blank=True,
        related_name="fallback_of",
        help_text="Called with its default model if this provider fails before the first word.",
    )
    fallback_id: str | None
    first_token_seconds = models.PositiveIntegerField(
        default=FIRST_TOKEN_SECONDS[1],
        validators=_within(FIRST_TOKEN_SECONDS),
        verbose_name="seconds to the first word",
    )
    total_seconds = models.PositiveIntegerField(
        default=TOTAL_SECONDS[1], validators=_within(TOTAL_SECONDS), verbose_name="seconds in all"
    )
    max_parallel = models.PositiveIntegerField(
        default=10, validators=_within(MAX_PARALLEL), verbose_name="calls at a time"
    )
    monthly_token_budget = models.BigIntegerField(
        null=True,
        blank=True,
        validators=_within(MONTHLY_TOKENS),
        help_text="Once it is spent, no call is made until the next month (UTC). If empty, no "
        "limit.",
    )
    input_price = models.FloatField(
        null=True,
        blank=True,
        validators=_within(PRICE),
        help_text="The price of a million input tokens, for the figures of usage.",
    )
    output_price = models.FloatField(
        null=True,
        blank=True,
        validators=_within(PRICE),
        help_text="The price of a million output tokens.",
    )
    is_default = models.BooleanField(
        default=False,
        verbose_name="default",
        help_text="Used by prompts without a provider. This replaces the current default.",
    )
    last_ok_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_error = models.CharField(max_length=ERROR_LENGTH, blank=True, default="", editable=False)
    last_error_at = models.DateTimeField(null=True, blank=True, editable=False)

    history = ChangeHistory(sorted(_UNRECORDED))

    class Meta:
        verbose_name = "AI provider"
        ordering = ("name", "id")
        indexes = (
            models.Index(fields=("organization", "-created_at", "-id"), name="ai_provider_newest"),
        )
        constraints = (
            constraints.length_between("name", 1, NAME_LENGTH),
            constraints.one_of("kind", ProviderKind.values),
            constraints.between("first_token_seconds", *FIRST_TOKEN_SECONDS),
            constraints.between("total_seconds", *TOTAL_SECONDS),
            constraints.between("max_parallel", *MAX_PARALLEL),
            constraints.between("monthly_token_budget", *MONTHLY_TOKENS),
            models.UniqueConstraint(
                "organization",
                condition=models.Q(is_default=True),
                name="one_default_ai_provider_per_organization",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def has_failed(self) -> bool:
        """Return whether the last call failed."""
        return self.last_error_at is not None and (
            self.last_ok_at is None or self.last_ok_at < self.last_error_at
        )

    @property
    def lacks_api_key(self) -> bool:
        """Return whether the vendor would refuse every call, since no key is stored."""
        is_builtin = self.kind == ProviderKind.BUILTIN
        return not (is_builtin or self.encrypted_api_key) and self.base_url in URLS_WITH_API_KEY

    @property
    def api_key(self) -> str:
        """Return the API key in plain text, or an empty string.

        Raise ``encryption.CannotDecrypt`` if ``AI_KEYS`` lacks the key that encrypted it.
        """
        if not self.encrypted_api_key:
            return ""
        return encryption.decrypt(self.encrypted_api_key, self.organization_id)

    @api_key.setter
    def api_key(self, key: str) -> None:
        """Encrypt the key, and set ``key_hint``. The row must have its organization.

        Raise ``ValidationError`` for a malformed key, and without ``AI_KEYS``.
        """
        validate_api_key(key)
        try:
            encrypted = encryption.encrypt(key, self.organization_id) if key else ""
        except encryption.NoEncryptionKey as error:
            raise ValidationError(str(error), "no_encryption_key") from None
        self.encrypted_api_key = encrypted
        self.key_hint = key[-HINT_LENGTH:] if len(key) >= _MIN_LENGTH_FOR_HINT else ""

    def clean(self) -> None:
        """Reject a key, a base URL or a fallback with which no call can be made."""
        super().clean()
        errors: dict[str, ValidationError] = {}
        is_stored_url = self.is_stored("kind", "base_url")
        if self.encrypted_api_key and not is_stored_url and self.is_stored("encrypted_api_key"):
            message = "Enter the API key again: it is not sent to another kind or base URL."
            errors["api_key"] = ValidationError(message, "required")
        elif self.is_default and self.lacks_api_key:
            message = "The default needs an API key, or the base URL of a server without keys."
            errors["api_key"] = ValidationError(message, "required")
        if self.base_url and not is_stored_url:
            try:
                addresses.validate_base_url(self.base_url, organization_id=self.organization_id)
            except addresses.AddressRefused as error:
                errors["base_url"] = ValidationError(str(error), "invalid")
        if self.fallback is not None and not self.is_stored("fallback_id"):
            try:
                self._validate_fallback(self.fallback)
            except ValidationError as error:
                errors["fallback"] = error
        if errors:
            raise ValidationError(errors)

    def _validate_fallback(self, fallback: "AiProvider") -> None:
        require_selectable(fallback, self.organization_id)
        if fallback.pk == self.pk:
            message = "A provider cannot be its own fallback. Select another one."
            raise ValidationError(message, "invalid")


def require_selectable(provider: AiProvider, organization_id: str) -> None:
    """Raise ``ValidationError`` unless a row of the organization can select the provider.

    A key that was removed later does not block other changes of the row.
    """
    require_organization(provider, organization_id)
    if provider.lacks_api_key:
        message = "This provider has no API key. Enter it there, or select another one."
        raise ValidationError(message, "no_api_key")
