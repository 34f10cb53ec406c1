"""Form fields as the staff's site draws them."""

from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString


class ColorInput(forms.TextInput):
    """A colour as text, which is what is sent, and beside it the browser's own picker; a script
    keeps the two in step. Without the script the text alone works."""

    class Media:
        js = ("organizations/color_input.js",)

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """The text box and the picker, which has no name and so is not sent."""
        text = super().render(
            name, value, {**(attrs or {}), "class": "color-text", "spellcheck": "false"}, renderer
        )
        return format_html(
            '<span class="color-input"><input type="color" aria-label="Pick the {}">{}</span>',
            name.rpartition("-")[2].replace("_", " "),
            text,
        )
