"""The webchat's form on the staff's site. Its rules are the model's."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q

from organizations.tenancy.admin import TenantForm
from webchats.fields import AllowedDomainsField
from webchats.icons.forms import IconFields
from webchats.models import Webchat

_DOMAINS = Webchat._meta.get_field("allowed_domains")


class DomainListField(forms.CharField):
    """The list of domains as text, one on each line; blank lines do not count."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        """The list as lines; text that was sent comes back as it is."""
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        """The canonical list; a refused entry is named as it was typed."""
        lines = [line.strip() for line in super().clean(value).splitlines() if line.strip()]
        assert isinstance(_DOMAINS, AllowedDomainsField)
        try:
            return _DOMAINS.clean(lines, None)
        except ValidationError as error:
            raise ValidationError([_named(single, lines) for single in error.error_list]) from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether the lines differ, however they are broken."""
        return (data or "").split() != list(initial or [])


def _named(error: ValidationError, lines: list[str]) -> ValidationError:
    index = (error.params or {}).get("index")
    if index is None:
        return error
    return ValidationError(f"“{lines[index]}”: {error.messages[0]}", code=error.code)


class StageSelect(forms.Select):
    """Options that know their pipeline, so that a script can offer those of the chosen one."""

    def create_option(self, name: str, value: Any, *arguments: Any, **options: Any) -> Any:
        option = super().create_option(name, value, *arguments, **options)
        if stage := getattr(value, "instance", None):
            option["attrs"]["data-pipeline"] = stage.pipeline_id
            option["attrs"]["data-name"] = stage.name
        return option


class StageChoiceField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A stage, with its pipeline for whoever has no script."""

    widget = StageSelect

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.pipeline} → {obj}"


class WebchatForm(IconFields, TenantForm[Webchat]):
    """One webchat, saved or only previewed."""

    allowed_domains = DomainListField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
        help_text=f"One on each line. {_DOMAINS.help_text}",
    )

    class Meta:
        field_classes = {"pipeline_stage": StageChoiceField}
        widgets = {
            "description": forms.Textarea(attrs={"rows": 3}),
            "starter_message": forms.Textarea(attrs={"rows": 3}),
            "csat_thank_you_message": forms.Textarea(attrs={"rows": 2}),
        }

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.show_stored_icon(self.instance.icon)
        for name in ("prompt", "pipeline", "pipeline_stage"):
            if name in self.fields:
                self._narrow(name)

    def _narrow(self, name: str) -> None:
        """Offer what can be chosen: rows of the webchat's own organization, active prompts."""
        field: Any = self.fields[name]
        rows = field.queryset
        if self.instance.organization_id:
            rows = rows.for_organization(self.instance.organization_id)
        if name == "prompt":
            rows = rows.filter(Q(is_active=True) | Q(pk=self.instance.prompt_id))
        if name == "pipeline_stage":
            rows = rows.select_related("pipeline").order_by("pipeline__name", "position", "id")
        field.queryset = rows
        field.empty_label = "Choose…" if field.required else "None"
        field.widget.can_add_related = False
        field.widget.can_change_related = False
        field.widget.can_view_related = False
        field.widget.can_delete_related = False
