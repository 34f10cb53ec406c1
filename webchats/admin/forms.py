"""The form of a webchat. The model validates the values."""

from typing import Unpack

from django import forms
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.forms.renderers import BaseRenderer
from django.utils.html import format_html
from django.utils.safestring import SafeString

from organizations.admin.stage_choices import offer_stages
from organizations.options import FormData, FormFiles, ModelFormOptions
from organizations.tenancy.admin import TenantForm
from organizations.tenancy.models import TenantQuerySet
from webchats.icons.forms import IconForm
from webchats.models import Webchat

_DOMAINS = Webchat._meta.get_field("allowed_domains")


class LinesField(forms.CharField):
    """A list of strings, one on each line, which a model field validates.

    Blank lines are ignored.
    """

    widget = forms.Textarea

    def __init__(
        self,
        model_field: "models.Field[list[str], list[str]]",
        *,
        required: bool,
        widget: forms.Textarea,
        help_text: str,
    ) -> None:
        super().__init__(required=required, widget=widget, help_text=help_text)
        self._model_field = model_field

    def prepare_value(self, value: object) -> object:
        """Return the list as lines; text that was submitted is returned unchanged."""
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: str | None) -> list[str]:
        """Return the model field's list. An error message quotes the entry as it was entered."""
        lines = _split_lines(super().clean(value))
        try:
            entries: list[str] = self._model_field.clean(lines, None)
        except ValidationError as error:
            errors = [_quoting_entry(single, lines) for single in error.error_list]
            raise ValidationError(errors) from None
        return entries

    def has_changed(self, initial: list[str] | None, data: str | None) -> bool:
        """Return whether the entries differ. Blank lines and line endings are ignored."""
        return _split_lines(data) != list(initial or [])


def _split_lines(text: str | None) -> list[str]:
    return [line.strip() for line in (text or "").splitlines() if line.strip()]


class DomainsInput(forms.Textarea):
    """A text area for domains, with a warning while it is empty. A script shows and hides it."""

    def render(
        self,
        name: str,
        value: object,
        attrs: dict[str, object] | None = None,
        renderer: BaseRenderer | None = None,
    ) -> SafeString:
        """Return the HTML of the text area and the warning."""
        return format_html(
            '{}<p class="field-warning" id="every-site" role="status"{}>Every site can embed this '
            "webchat, because the list is empty.</p>",
            super().render(name, value, attrs, renderer),
            " hidden" if value else "",
        )


def _quoting_entry(error: ValidationError, lines: list[str]) -> ValidationError:
    index = (error.params or {}).get("index")
    if index is None:
        return error
    return ValidationError(f"“{lines[index]}”: {error.messages[0]}", code=error.code)


class WebchatForm(IconForm[Webchat], TenantForm[Webchat]):
    """A webchat, to be saved or previewed."""

    icon_key_field = "icon"
    inputs = {"icon": ("icon_file", "remove_icon")}

    allowed_domains = LinesField(
        _DOMAINS,
        required=False,
        widget=DomainsInput(attrs={"rows": 5, "spellcheck": "false"}),
        help_text=f"One on each line. {_DOMAINS.help_text}",
    )

    class Meta:
        widgets = {
            "description": forms.Textarea(attrs={"rows": 3}),
            "starter_message": forms.Textarea(attrs={"rows": 3}),
            "csat_thank_you_message": forms.Textarea(attrs={"rows": 2}),
        }

    def __init__(
        self,
        data: FormData = None,
        files: FormFiles = None,
        **options: Unpack[ModelFormOptions[Webchat]],
    ) -> None:
        super().__init__(data, files, **options)
        for name in ("prompt", "pipeline", "pipeline_stage"):
            # Read-only pages have no fields.
            if name in self.fields:
                self._limit_choices(name)
        if "pipeline_stage" in self.fields:
            offer_stages(self, "pipeline", "pipeline_stage", only_active=False)

    def _limit_choices(self, name: str) -> None:
        """Offer only rows of the webchat's organization, and only active prompts."""
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        queryset = field.queryset
        assert isinstance(queryset, TenantQuerySet)
        if self.instance.organization_id:
            queryset = queryset.for_organization(self.instance.organization_id)
        if name == "prompt":
            # The stored prompt stays valid when it becomes inactive.
            queryset = queryset.filter(Q(is_active=True) | Q(pk=self.instance.prompt_id))
            # Long texts, of which a list of choices shows nothing.
            queryset = queryset.defer("instructions")
        if name == "pipeline_stage":
            queryset = queryset.select_related("pipeline")
        field.queryset = queryset
        field.empty_label = "Choose…" if field.required else "None"
        assert isinstance(field.widget, RelatedFieldWidgetWrapper)
        field.widget.can_add_related = False
        field.widget.can_change_related = False
        field.widget.can_view_related = False
        field.widget.can_delete_related = False
