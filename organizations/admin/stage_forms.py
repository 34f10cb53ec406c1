"""The formset of a pipeline's stages in its admin form."""

from typing import Final

from django import forms
from django.db import router
from django.db.models import RestrictedError
from django.db.models.deletion import Collector
from django.forms.formsets import DELETION_FIELD_NAME

from organizations.models import MAX_STAGES, Pipeline, Stage
from organizations.models.pipeline import DUPLICATE_STAGE
from webchat_project.api.exceptions import describe_uses

_MAX_POSITION: Final = 1_000_000
#: The stages that a new pipeline is offered, by name and color.
USUAL_STAGES: Final = (
    ("New", "#2563EB"),
    ("Qualified", "#D97706"),
    ("Won", "#16A34A"),
    ("Lost", "#6B7280"),
)


def usual_stages() -> list[dict[str, object]]:
    """Return the initial values of the rows of a new pipeline."""
    return [
        {"new_position": number, "name": name, "color": color}
        for number, (name, color) in enumerate(USUAL_STAGES, start=1)
    ]


class StageForm(forms.ModelForm[Stage]):
    """A stage. ``new_position`` counts from 1; a stage without it comes last.

    The form field cannot have the name of the model field, which is not editable.
    """

    new_position = forms.IntegerField(
        label="position",
        required=False,
        min_value=0,
        max_value=_MAX_POSITION,
        widget=forms.NumberInput(attrs={"class": "stage-position"}),
    )

    def has_changed(self) -> bool:
        """Return whether there is something to save: a new stage unless its row was emptied."""
        if not self.instance._state.adding:
            return super().has_changed()
        return any(self.data.get(self.add_prefix(name)) for name in ("name", "slug"))


class DeletableStageForm(StageForm):
    """A stage that can be deleted unless it is in use. Django's form would list all uses."""

    def hand_clean_DELETE(self) -> None:  # noqa: N802 - the name of Django's method
        """Raise ``ValidationError`` if a stage that is in use is to be deleted."""
        if not self.cleaned_data.get(DELETION_FIELD_NAME) or self.instance._state.adding:
            return
        try:
            Collector(router.db_for_write(Stage)).collect([self.instance])
        except RestrictedError as error:
            message = f"“{self.instance}” is in use by {describe_uses(error)}. Keep this stage."
            raise forms.ValidationError(message, "in_use") from None


class StageFormSet(forms.BaseInlineFormSet[Stage, Pipeline, forms.ModelForm[Stage]]):
    """All stages of one pipeline."""

    def clean(self) -> None:
        """Set the positions of the stages and reject duplicate names and slugs."""
        super().clean()
        kept = [
            form
            for form in self.forms
            if form.is_valid() and form not in self.deleted_forms and self._is_filled(form)
        ]
        if len(kept) > MAX_STAGES:
            raise forms.ValidationError(f"A pipeline can have at most {MAX_STAGES} stages.")
        kept.sort(key=_get_position)
        previous: list[Stage] = []
        for position, form in enumerate(kept):
            form.instance.position = position
            # Equal names also give equal slugs: one error is enough.
            for field in form.instance.duplicate_fields(previous)[:1]:
                form.add_error(field, DUPLICATE_STAGE[field])
            previous.append(form.instance)

    def add_fields(self, form: forms.ModelForm[Stage], index: int | None) -> None:
        """Add the formset's fields, the position of a stored stage, and accessible names."""
        for field in form.fields.values():
            # In a tabular inline the fields have no <label>, only a column heading.
            field.widget.attrs["aria-label"] = field.label or ""
        if not form.instance._state.adding:
            form.initial["new_position"] = form.instance.position + 1
        super().add_fields(form, index)
        if "DELETE" in form.fields:
            form.fields["DELETE"].widget.attrs["aria-label"] = "Delete this stage"

    def validate_unique(self) -> None:
        """Do nothing: ``clean`` compares the stages after slugs have been generated."""

    @staticmethod
    def _is_filled(form: forms.ModelForm[Stage]) -> bool:
        return form.has_changed() or not form.instance._state.adding

    def save_existing_objects(self, commit: bool = True) -> list[Stage]:
        """Save the changed stages and the positions of all others."""
        saved = super().save_existing_objects(commit)
        for form in self.initial_forms:
            stage = form.instance
            if stage not in saved and stage not in self.deleted_objects and commit:
                stage.save(update_fields=["position", "updated_at"])
        return saved


def _get_position(form: forms.ModelForm[Stage]) -> int:
    position: int | None = form.cleaned_data.get("new_position")
    return _MAX_POSITION if position is None else position
