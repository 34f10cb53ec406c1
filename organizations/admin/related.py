"""Form fields that select a related row."""

from django import forms
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper


def without_links(field: forms.Field | None, *, empty_label: str) -> None:
    """Remove Django's buttons that open the related row in a pop-up, and set the empty label.

    The field is ``None`` in a form without the permission to change it.
    """
    if not isinstance(field, forms.ModelChoiceField):
        return
    field.empty_label = empty_label
    if isinstance(widget := field.widget, RelatedFieldWidgetWrapper):
        widget.can_add_related = widget.can_change_related = False
        widget.can_view_related = widget.can_delete_related = False
