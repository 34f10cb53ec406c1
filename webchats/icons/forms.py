"""Icons in forms of the admin site: a file input beside the stored icon."""

from typing import TYPE_CHECKING, ClassVar, TypeVar, Unpack

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.files import File
from django.db import models
from django.forms.renderers import BaseRenderer
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from organizations.options import FormData, FormFiles, ModelFormOptions
from webchats.icons.images import CONTENT_TYPES, DecoderBusy, SanitizedImage, read_image
from webchats.icons.storage import signed_url

if TYPE_CHECKING:
    from django.contrib.admin.options import _FieldOpts, _FieldsetSpec

_Row = TypeVar("_Row", bound=models.Model)

#: The warning when a row was saved while the storage was unavailable.
ICON_NOT_STORED = "The icon could not be stored. All other changes were saved."


def thumbnail(key: str) -> SafeString | None:
    """Return the HTML of the stored icon, ``None`` without a key."""
    if not key:
        return None
    html = '<img class="icon-thumbnail" src="{}" width="48" height="48" alt="Current icon">'
    return format_html(html, signed_url(key))


class IconInput(forms.FileInput):
    """A file input beside the stored icon."""

    #: The key of the stored icon.
    stored_key = ""

    def render(
        self,
        name: str,
        value: object,
        attrs: dict[str, object] | None = None,
        renderer: BaseRenderer | None = None,
    ) -> SafeString:
        """Return the HTML of the thumbnail and the input.

        A refused form does not keep its files: the name of the file is shown, to select it again.
        """
        file_input = super().render(name, value, attrs, renderer)
        warning = '<span class="field-warning">Select “{}” again: it was not saved.</span>'
        return format_html(
            '<span class="icon-input">{}{}</span>{}',
            thumbnail(self.stored_key) or "",
            file_input,
            format_html(warning, value.name) if isinstance(value, File) else "",
        )


class IconFileField(forms.FileField):
    """An uploaded image, cleaned to the copy that is stored."""

    widget = IconInput(attrs={"accept": ",".join(CONTENT_TYPES.values())})

    def clean(self, data: File[bytes] | None, initial: object = None) -> SanitizedImage | None:
        """Return the sanitized copy, ``None`` without a file.

        Raise ``ValidationError`` as ``sanitize_image`` does, and also instead of ``DecoderBusy``:
        with the page of a 503, the values typed into the form would be lost.
        """
        file = super().clean(data, initial)
        try:
            return read_image(file) if file else None
        except DecoderBusy as error:
            raise ValidationError(error.client_message, code="busy") from None

    def bound_data(self, data: File[bytes] | None, initial: object) -> object:
        """Return the submitted file, so that its name can be shown. Django returns ``initial``."""
        return data or initial


class IconForm(forms.ModelForm[_Row]):
    """The form of a row with an icon: fields that replace it and remove it."""

    #: The model field that stores the icon's key.
    icon_key_field: ClassVar[str]

    icon_file = IconFileField(
        required=False,
        label="Icon",
        help_text="PNG, JPEG, WebP or GIF, at most 1 MiB and 4,096 pixels wide or high.",
    )
    remove_icon = forms.BooleanField(required=False, label="Remove the icon")

    def __init__(
        self,
        data: FormData = None,
        files: FormFiles = None,
        **options: Unpack[ModelFormOptions[_Row]],
    ) -> None:
        """Show the stored icon. Without one, hide the field that removes it."""
        super().__init__(data, files, **options)
        self.label_suffix = ""
        key: str = getattr(self.instance, self.icon_key_field)
        # Read-only pages have no fields.
        if field := self.fields.get("icon_file"):
            assert isinstance(field.widget, IconInput)
            field.widget.stored_key = key
        if not key and "remove_icon" in self.fields:
            self.fields["remove_icon"].widget = forms.HiddenInput()


class IconAdminMixin(admin.ModelAdmin[_Row]):
    """An admin whose form is an ``IconForm``.

    Subclasses define the read-only field ``icon_image``. It replaces the upload fields for users
    without the permission to change the row.
    """

    def get_fieldsets(self, request: HttpRequest, obj: _Row | None = None) -> "_FieldsetSpec":
        """Hide the upload fields from users without the permission to change the row."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        return [(title, _read_only(options)) for title, options in fieldsets]


def _read_only(options: "_FieldOpts") -> "_FieldOpts":
    replaced = {"icon_file": ("icon_image",), "remove_icon": ()}
    fields = [
        new
        for name in options["fields"]
        for new in (replaced.get(name, (name,)) if isinstance(name, str) else (name,))
    ]
    return {**options, "fields": fields}
