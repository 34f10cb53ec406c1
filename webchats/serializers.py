"""The webchat's document: as its organization sees it, and as a stranger may."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from organizations import colors
from organizations.tenancy.serializers import TenantDocumentSerializer
from webchat_project.api.fields import StringField
from webchat_project.api.serializers import DocumentSerializer, details_of
from webchats.domains import MAX_ENTRIES, MAX_ENTRY_LENGTH, InvalidDomain, canonical
from webchats.fields import AllowedDomainsField
from webchats.icons.keys import IconNotFound
from webchats.icons.storage import signed_url
from webchats.models import Webchat

ICON_EXAMPLE = "orgs/65a0e0e0e0e0e0e0e0e0e0e0/webchat/0123456789abcdef0123456789abcdef.png"
#: How far a reply's bubble is from the panel's background, towards black or white.
REPLY_SHADE = 0.06


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


class WidgetConfigSerializer(DocumentSerializer[Webchat]):
    """What a stranger may see of a webchat: these names, and never one more.

    Read-only. The last four colours are not stored: they follow from the stored ones, and are
    worked out here so that the scripts hold no second copy of the formula.
    """

    title = serializers.CharField(source="organization.public_title")
    icon = serializers.SerializerMethodField()
    primaryTextColor = serializers.SerializerMethodField()
    secondaryTextColor = serializers.SerializerMethodField()
    replyColor = serializers.SerializerMethodField()
    replyTextColor = serializers.SerializerMethodField()

    class Meta:
        model = Webchat
        fields = (
            "_id",
            "title",
            "icon",
            "starterMessage",
            "statusText",
            "csatThankYouMessage",
            "backgroundColor",
            "primaryColor",
            "secondaryColor",
            "headerTextColor",
            "statusTextColor",
            "timestampColor",
            "csatBackgroundColor",
            "csatTextColor",
            "position",
            "offsetX",
            "offsetY",
            "zIndex",
            "primaryTextColor",
            "secondaryTextColor",
            "replyColor",
            "replyTextColor",
        )

    def get_icon(self, webchat: Webchat) -> str | None:
        """A URL that the visitor's browser can load, or nothing."""
        key = webchat.public_icon
        return signed_url(key, self.context.get("request")) if key else None

    def get_primaryTextColor(self, webchat: Webchat) -> str:  # noqa: N802 - the name's own case
        """On the launcher and the buttons."""
        return colors.readable_text_color(webchat.primary_color)

    def get_secondaryTextColor(self, webchat: Webchat) -> str:  # noqa: N802
        """In the bubbles that the visitor sends."""
        return colors.readable_text_color(webchat.secondary_color)

    def get_replyColor(self, webchat: Webchat) -> str:  # noqa: N802
        """The bubbles that answer: the panel's background, a shade away from it."""
        background = webchat.background_color
        return colors.mix(background, colors.readable_text_color(background), REPLY_SHADE)

    def get_replyTextColor(self, webchat: Webchat) -> str:  # noqa: N802
        """In the bubbles that answer."""
        return colors.readable_text_color(self.get_replyColor(webchat))
