"""The JSON document of a webchat."""

from typing import Any, Final, TypedDict, Unpack

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction, extend_schema_field
from rest_framework.exceptions import ErrorDetail, ValidationError

from organizations.tenancy.serializers import TenantDocumentSerializer
from webchat_project.api.fields import ListField, StringField
from webchat_project.api.names import Detail
from webchat_project.api.serializers import to_drf_errors
from webchats.domains import MAX_ENTRIES, MAX_ENTRY_LENGTH, InvalidDomain, canonicalize
from webchats.fields import AllowedDomainsField
from webchats.icons.keys import IconNotFound
from webchats.icons.storage import signed_url
from webchats.models import Webchat

ICON_EXAMPLE: Final = "orgs/65a0e0e0e0e0e0e0e0e0e0e0/webchat/0123456789abcdef0123456789abcdef.png"


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
    """An entry of ``allowedDomains``: a string, not trimmed, because white space is rejected."""

    def __init__(self) -> None:
        super().__init__(max_length=MAX_ENTRY_LENGTH, trim_whitespace=False)


class _FieldOptions(TypedDict, total=False):
    source: str
    label: str
    help_text: str
    style: dict[str, object]


class AllowedDomainsListField(ListField):
    """A list of strings. The model field validates and canonicalizes the entries."""

    default_error_messages = {"not_a_list": 'Must be a list of strings, such as ["example.com"].'}

    # DRF passes the options of a JSONField.
    def __init__(
        self,
        *,
        required: bool = False,
        allow_null: bool = True,
        decoder: object = None,
        encoder: object = None,
        **options: Unpack[_FieldOptions],
    ) -> None:
        super().__init__(
            child=AllowedDomainEntryField(), max_length=MAX_ENTRIES, required=True, **options
        )

    def run_child_validation(self, data: list[Any]) -> list[str]:
        """Return the entries. Raise ``ValidationError`` with the errors of all entries by index."""
        try:
            entries: list[str] = super().run_child_validation(data)
        except ValidationError as error:
            if not isinstance(error.detail, dict):
                raise  # There are too many.
            by_index = error.detail.items()
            errors: dict[str, Detail] = {str(index): found for index, found in by_index}
        else:
            return entries
        # An entry is not a string, so the model will not validate the list.
        for index, entry in enumerate(data):
            if str(index) not in errors:
                try:
                    canonicalize(entry)
                except InvalidDomain as invalid:
                    errors[str(index)] = [ErrorDetail(invalid.message, invalid.code)]
        raise ValidationError(errors)


class IconField(StringField):
    """An icon. Input: a storage key or a signed URL. Output: a signed URL, or ``null`` if not set.

    The model validates the key. Every invalid value gets the same error.
    """

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str):
            raise ValidationError(to_drf_errors(IconNotFound()))
        return data

    def run_validators(self, value: object) -> None:
        """Do nothing: the model validates the key."""

    def to_representation(self, value: str) -> str | None:  # type: ignore[override] # null
        return signed_url(value, self.context.get("request")) if value else None


class IconFieldSchema(OpenApiSerializerFieldExtension):
    """The schema of ``IconField``, which differs between requests and responses."""

    target_class = IconField

    def map_serializer_field(
        self, auto_schema: AutoSchema, direction: Direction
    ) -> dict[str, object]:
        if direction == "response":
            text = "A signed URL, which expires."
            return {"type": "string", "format": "uri", "nullable": True, "description": text}
        text = "A storage key, or a signed URL of this service."
        example = {"description": text, "example": ICON_EXAMPLE}
        return {"type": "string", "nullable": True, **example}


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
            "isSurveyEnabled",
            "promptId",
            "allowedDomains",
            "pipelineId",
            "pipelineStage",
            "initialStage",
            "isAutopilot",
            "isAutoAssigned",
            "isEnabled",
            "position",
            "offsetX",
            "offsetY",
            "zIndex",
            "createdAt",
            "updatedAt",
        )

    def new_row(self) -> Webchat:
        """Return an unsaved webchat of the current user and their organization."""
        user = self.context["request"].user
        return Webchat(organization_id=user.organization_id, user=user, created_by=user)
