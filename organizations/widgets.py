"""Form widgets of the admin site."""

from collections.abc import Mapping

from django import forms
from django.forms.renderers import BaseRenderer
from django.utils.html import format_html
from django.utils.safestring import SafeString


class ColorInput(forms.TextInput):
    """A text field for a color with the browser's color picker beside it.

    Only the text is submitted. A script synchronizes the two; without it, the text field works
    alone.
    """

    class Media:
        js = ("organizations/color_input.js",)

    def render(
        self,
        name: str,
        value: object,
        attrs: Mapping[str, object] | None = None,
        renderer: BaseRenderer | None = None,
    ) -> SafeString:
        """Return the HTML. The picker has no name, so that it is not submitted."""
        text = super().render(
            name, value, {**(attrs or {}), "class": "color-text", "spellcheck": "false"}, renderer
        )
        return format_html(
            '<span class="color-input"><input type="color" aria-label="Pick the {}">{}</span>',
            name.rpartition("-")[2].replace("_", " "),
            text,
        )
