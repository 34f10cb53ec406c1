"""The document of AI providers."""

from collections.abc import Mapping

from django.core.exceptions import ValidationError as ModelValidationError

from organizations.models import AiProvider
from organizations.tenancy.serializers import TenantDocumentSerializer
from webchat_project.api.fields import StringField


class AiProviderSerializer(TenantDocumentSerializer[AiProvider]):
    """A provider of language models.

    ``apiKey`` can be written, but not read: ``keyHint`` has its last four characters. Another
    ``kind`` or ``baseUrl`` requires it again. Prices are those of a million tokens.
    """

    apiKey = StringField(
        source="api_key",
        write_only=True,
        required=False,
        allow_blank=True,
        allow_null=True,
        help_text="An empty string removes it.",
    )

    class Meta:
        model = AiProvider
        fields = (
            "_id",
            "organizationId",
            "name",
            "kind",
            "baseUrl",
            "apiKey",
            "keyHint",
            "defaultModel",
            "fallbackId",
            "firstTokenSeconds",
            "totalSeconds",
            "maxParallel",
            "monthlyTokenBudget",
            "inputPrice",
            "outputPrice",
            "isDefault",
            "lastOkAt",
            "lastError",
            "lastErrorAt",
            "createdAt",
            "updatedAt",
        )

    def validate_row(
        self, row: AiProvider, values: Mapping[str, object], invalid: set[str]
    ) -> None:
        """Set the API key, which is no column, before the model is validated."""
        if "api_key" in values and row.organization_id:
            try:
                row.api_key = str(values["api_key"] or "")
            except ModelValidationError as error:
                raise ModelValidationError({"api_key": error}) from None
        super().validate_row(row, values, invalid)

    def update(self, instance: AiProvider, validated_data: dict[str, object]) -> AiProvider:
        """Write only the columns that were sent."""
        if "api_key" in validated_data:
            validated_data |= {"encrypted_api_key": None, "key_hint": None}
        return super().update(instance, validated_data)
