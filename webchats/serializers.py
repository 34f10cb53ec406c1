"""The webchat's document: as its organization sees it, and as a stranger may."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from organizations.tenancy.serializers import TenantDocumentSerializer
from webchat_project.api.fields import StringField
from webchat_project.api.serializers import details_of
from webchats.domains import MAX_ENTRIES, MAX_ENTRY_LENGTH, InvalidDomain, canonical
from webchats.fields import AllowedDomainsField
from webchats.icons.keys import IconNotFound
from webchats.icons.storage import signed_url
from webchats.models import Webchat

ICON_EXAMPLE = "orgs/65a0e0e0e0e0e0e0e0e0e0e0/webchat/0123456789abcdef0123456789abcdef.png"


@extend_schema_field(
    {
        "type": "string",
        "format": "allowed-domain",
        "maxLength": MAX_ENTRY_LENGTH,
        "description": "A host name, a host name after `*.` (its subdomains), or an origin.",
        "example": "https://example.com",
    }
)
class AllowedDomainEntryField(StringField):
    """One entry's JSON shape."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=MAX_ENTRY_LENGTH, trim_whitespace=False, **options)


class AllowedDomainsListField(serializers.ListField):
    """The list's JSON shape; what an entry may be is the model field's to say."""

    def __init__(self, **options: Any) -> None:
        # Options that fit the model field's JSON, not a list.
        for name in ("decoder", "encoder", "allow_null"):
            options.pop(name, None)
        options |= {"child": AllowedDomainEntryField()}
        super().__init__(max_length=MAX_ENTRIES, **options | {"required": True})

    def run_child_validation(self, data: Any) -> Any:
        """The entries; raises for each that is wrong, by its shape or by what it says."""
        try:
            return super().run_child_validation(data)
        except ValidationError as error:
            errors: Any = dict(error.detail)  # type: ignore[arg-type]
        # The model, which says the rest, is not asked about a list with a wrong shape.
        for index, entry in enumerate(data):
            if index not in errors:
                try:
                    canonical(entry)
                except InvalidDomain as refused:
                    errors[index] = [ErrorDetail(refused.message, refused.code)]
        raise ValidationError(errors)


@extend_schema_field({"type": "string", "nullable": True, "example": ICON_EXAMPLE})
class IconField(StringField):
    """A storage key or a signed URL in, a freshly signed URL out. What else is sent gets one and
    the same answer, whatever is wrong with it; the model field and the model say what is."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.validators = []

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise ValidationError(details_of(IconNotFound()))
        return data

    def to_representation(self, value: str) -> str | None:  # type: ignore[override]
        return signed_url(value, self.context.get("request")) if value else None


class WebchatSerializer(TenantDocumentSerializer[Webchat]):
    """The configuration of one chat widget."""

    serializer_field_mapping = {
        **TenantDocumentSerializer.serializer_field_mapping,
        AllowedDomainsField: AllowedDomainsListField,
    }

    icon = IconField(required=False, allow_null=True, allow_blank=True)

    class Meta:
        model = Webchat
        fields = (
            "_id",
            "organizationId",
            "userId",
            "createdBy",
            "name",
            "description",
            "starterMessage",
            "backgroundColor",
            "primaryColor",
            "secondaryColor",
            "icon",
            "headerTextColor",
            "statusText",
            "statusTextColor",
            "timestampColor",
            "csatBackgroundColor",
            "csatTextColor",
            "csatThankYouMessage",
            "promptId",
            "allowedDomains",
            "pipelineId",
            "pipelineStage",
            "initialStage",
            "isAutopilot",
            "isEnabled",
            "position",
            "offsetX",
            "offsetY",
            "zIndex",
            "createdAt",
            "updatedAt",
        )
