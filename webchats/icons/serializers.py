"""Serializers of uploads: the files in the request, and the stored files in the response."""

from typing import NamedTuple

from django.core.exceptions import ValidationError as ModelValidationError
from django.core.files import File
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from organizations.models import Organization
from organizations.tenancy.serializers import TenantRelatedField
from webchat_project.api.fields import ListField, SerializerField
from webchat_project.api.request_serializers import RequestSerializer
from webchat_project.api.serializers import to_drf_errors
from webchats.icons.images import SanitizedImage, read_image

MAX_FILES = 10
_RULES = (
    "PNG, JPEG, WebP or GIF, detected from the content, at most 1 MiB and 4,096 pixels wide or "
    "high. It is stored without metadata, at most 512 pixels wide and high. Only the first frame "
    "of an animation is stored. A GIF is stored as PNG."
)


class NamedImage(NamedTuple):
    """The sanitized copy of an uploaded image, and the name of the uploaded file."""

    name: str
    image: SanitizedImage


class ImageFileField(serializers.FileField):
    """An uploaded image, validated to a ``NamedImage``."""

    def __init__(self) -> None:
        super().__init__(help_text=_RULES)

    # djangorestframework-stubs types the value of a file field as a file.
    def to_internal_value(self, data: File[bytes]) -> NamedImage:  # type: ignore[override]
        """Return the sanitized copy. Raise ``ValidationError`` as ``sanitize_image`` does."""
        file = super().to_internal_value(data)
        try:
            return NamedImage(file.name or "", read_image(file))
        except ModelValidationError as error:
            raise ValidationError(to_drf_errors(error)) from None


class IconUploadSerializer(serializers.Serializer[None]):
    """One image, for one webchat."""

    file = ImageFileField()


class UploadSerializer(RequestSerializer):
    """Images, and for superusers the organization that will own them."""

    files = ListField(child=ImageFileField(), min_length=1, max_length=MAX_FILES)

    def get_fields(self) -> dict[str, SerializerField]:
        """Add ``organizationId``, which is required, for superusers."""
        fields = super().get_fields()
        if "request" in self.context and self.context["request"].user.is_superuser:
            fields["organizationId"] = TenantRelatedField(queryset=Organization.objects)
        return fields

    def validate(self, attrs: dict[str, object]) -> dict[str, object]:
        """Return ``{"organizationId": Organization, "files": [NamedImage, ...]}``."""
        return {"organizationId": self.context["request"].user.organization, **attrs}


class StoredFileSerializer(serializers.Serializer[None]):
    """A stored image in the response of an upload: its key, and a signed URL to show it."""

    key = serializers.CharField(help_text="The value for a webchat's `icon`.")
    type = serializers.CharField(help_text="The MIME type of the stored image.")
    name = serializers.CharField(help_text="The name of the uploaded file.")
    size = serializers.IntegerField(help_text="The size of the stored image, in bytes.")
    signedUrl = serializers.URLField()
    bucket = serializers.CharField()


class UploadResponseSerializer(serializers.Serializer[None]):
    """The stored images, in the order of the request."""

    files = StoredFileSerializer(many=True)
