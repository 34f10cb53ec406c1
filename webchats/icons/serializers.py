"""Uploads: the files that come in, and what is answered about those that were stored."""

from typing import Any, NamedTuple

from django.core.exceptions import ValidationError as ModelError
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from organizations.models import Organization
from organizations.tenancy.serializers import TenantRelatedField
from webchat_project.api.serializers import details_of
from webchats import icons
from webchats.icons.images import CleanImage

MAX_FILES = 10
_RULES = (
    "PNG, JPEG, WebP or GIF by content, at most 1 MiB and 4,096 pixels a side. It is stored "
    "without metadata and at most 512 pixels a side; of an animation the first picture is kept, "
    "and a GIF becomes a PNG."
)


class NamedImage(NamedTuple):
    """The clean copy of an uploaded image, and what the file was called."""

    name: str
    image: CleanImage


class ImageFileField(serializers.FileField):
    """An uploaded image; its value is a ``NamedImage``."""

    def __init__(self, **options: Any) -> None:
        super().__init__(help_text=_RULES, **options)

    def to_internal_value(self, data: Any) -> Any:
        file = super().to_internal_value(data)
        try:
            return NamedImage(file.name or "", icons.read_image(file))
        except ModelError as error:
            raise ValidationError(details_of(error)) from None


class IconUploadSerializer(serializers.Serializer[Any]):
    """One image, for one webchat."""

    file = ImageFileField()


class UploadSerializer(serializers.Serializer[Any]):
    """Images for later use: the caller's organization's, or the one that a superuser names."""

    files = serializers.ListField(child=ImageFileField(), min_length=1, max_length=MAX_FILES)

    def get_fields(self) -> dict[str, Any]:
        """A superuser says whose the images become; for others the name is unknown."""
        fields = super().get_fields()
        if "request" in self.context and self.context["request"].user.is_superuser:
            fields["organizationId"] = TenantRelatedField(queryset=Organization.objects)
        return fields

    def validate(self, attrs: Any) -> Any:
        return {"organizationId": self.context["request"].user.organization, **attrs}


class StoredFileSerializer(serializers.Serializer[Any]):
    """An image that was stored: ``key`` is what a webchat's ``icon`` takes."""

    key = serializers.CharField()
    type = serializers.CharField(help_text="The MIME type it is stored as.")
    name = serializers.CharField(help_text="What the file was called.")
    size = serializers.IntegerField(help_text="Its size as stored, in bytes.")
    signedUrl = serializers.URLField()
    bucket = serializers.CharField()


class UploadAnswerSerializer(serializers.Serializer[Any]):
    """The stored images, in the order in which they were sent."""

    files = StoredFileSerializer(many=True)
