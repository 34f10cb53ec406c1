"""A pipeline's stages inside its form: in order, and told apart from each other."""

from typing import Any

from django import forms

from organizations.models import MAX_STAGES, Pipeline, Stage

_LAST = 1_000_000


class StageForm(forms.ModelForm[Stage]):
    """One stage. ``order`` is where it stands among the others; empty: at the end."""

    order = forms.IntegerField(
        label="order",
        required=False,
        min_value=0,
        max_value=_LAST,
        widget=forms.NumberInput(attrs={"class": "stage-order"}),
    )

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for field in self.fields.values():
            # In a table the column's heading is no label.
            field.widget.attrs["aria-label"] = field.label or ""
        if not self.instance._state.adding:
            self.initial["order"] = self.instance.position + 1


class StageFormSet(forms.BaseInlineFormSet[Stage, Pipeline, StageForm]):
    """All stages of one pipeline."""

    def clean(self) -> None:
        """Check the stages against each other, and number them."""
        super().clean()
        kept = [
            form
            for form in self.forms
            if form.is_valid() and form not in self.deleted_forms and self._is_filled(form)
        ]
        if len(kept) > MAX_STAGES:
            raise forms.ValidationError(f"A pipeline has {MAX_STAGES} stages at the most.")
        kept.sort(key=_order)
        before: list[Stage] = []
        for position, form in enumerate(kept):
            form.instance.position = position
            # Of two stages of one name the slugs are made from it: once is enough.
            for field in form.instance.clashes(before)[:1]:
                form.add_error(field, "Another stage of this pipeline has it.")
            before.append(form.instance)

    def add_fields(self, form: StageForm, index: int | None) -> None:
        """The form's own, and the one to delete a stage, named for who hears it."""
        super().add_fields(form, index)
        if "DELETE" in form.fields:
            form.fields["DELETE"].widget.attrs["aria-label"] = "Delete this stage"

    def validate_unique(self) -> None:
        """Nothing: ``clean`` compares the stages once each has its slug."""

    @staticmethod
    def _is_filled(form: StageForm) -> bool:
        return form.has_changed() or not form.instance._state.adding

    def save_existing_objects(self, commit: bool = True) -> list[Stage]:
        """Save what was changed, and the places of the others, which changed with them."""
        saved = super().save_existing_objects(commit)
        for form in self.initial_forms:
            stage = form.instance
            if stage not in saved and stage not in self.deleted_objects and commit:
                stage.save(update_fields=["position", "updated_at"])
        return saved


def _order(form: StageForm) -> int:
    order = form.cleaned_data.get("order")
    return _LAST if order is None else int(order)
