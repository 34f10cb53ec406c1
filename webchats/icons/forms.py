"""An icon on a form of the staff's site: a file to choose, beside the icon that is stored."""

from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString

from webchats import icons
from webchats.icons.images import CONTENT_TYPES, CleanImage


def thumbnail(key: str) -> SafeString | None:
    """The stored icon as it looks, or nothing without one."""
    if not key:
        return None
    html = '<img class="icon-now" src="{}" width="48" height="48" alt="The icon now">'
    return format_html(html, icons.signed_url(key))


class IconInput(forms.FileInput):
    """The stored icon, and a file to replace it with."""

    #: The stored icon's key.
    stored = ""

    def render(self, *arguments: Any, **options: Any) -> SafeString:
        """The thumbnail and the box."""
        return format_html(
            '<span class="icon-input">{}{}</span>',
            thumbnail(self.stored) or "",
            super().render(*arguments, **options),
        )


class IconFileField(forms.FileField):
    """An uploaded image; its value is the clean copy, or ``None`` without one."""

    widget = IconInput(attrs={"accept": ",".join(CONTENT_TYPES.values())})

    def clean(self, data: Any, initial: Any = None) -> CleanImage | None:
        """The image that would be stored; raises for what ``webchats.images`` refuses."""
        file = super().clean(data, initial)
        return icons.read_image(file) if file else None


class IconFields(forms.Form):
    """The two fields, for a row's form to inherit."""

    icon_file = IconFileField(
        required=False,
        label="Icon",
        help_text="PNG, JPEG, WebP or GIF, at most 1 MiB and 4,096 pixels a side.",
    )
    remove_icon = forms.BooleanField(required=False, label="Remove the icon")

    def show_stored(self, key: str) -> None:
        """Draw the stored icon; without one there is none to remove."""
        if field := self.fields.get("icon_file"):
            field.widget.stored = key
        if not key and "remove_icon" in self.fields:
            self.fields["remove_icon"].widget = forms.HiddenInput()


class IconFieldsets:
    """For the page of a form with ``IconFields``: who may only look sees the icon alone."""

    def get_fieldsets(self, request: Any, obj: Any = None) -> Any:
        """The page's own; the fields to change the icon only for who may."""
        page: Any = self
        fieldsets: Any = super().get_fieldsets(request, obj)  # type: ignore[misc]
        writes = page.has_change_permission(request, obj) if obj else True
        return fieldsets if writes else [(name, _only_shown(said)) for name, said in fieldsets]


def _only_shown(said: dict[str, Any]) -> dict[str, Any]:
    shown = {"icon_file": "icon_image", "remove_icon": None}
    names = (shown.get(name, name) if isinstance(name, str) else name for name in said["fields"])
    return {**said, "fields": tuple(name for name in names if name)}
