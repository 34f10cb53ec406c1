"""The form of a saved view."""

from django import forms

from webchats.conversations.models import SavedView


class SavedViewForm(forms.ModelForm[SavedView]):
    """The name of a view, and whether the organization sees it."""

    use_required_attribute = False
    prefix = "view"

    class Meta:
        model = SavedView
        fields = ("name", "is_shared")
        labels = {"is_shared": "Share with the organization"}
        help_texts = {"is_shared": ""}
