"""The admin pages of knowledge entries."""

from typing import Any, Final

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import ValidationError
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from organizations.admin.badges import badge
from organizations.admin.site import site
from organizations.admin.times import updated_at
from organizations.models import Prompt, User
from organizations.tenancy.admin import TenantForm
from organizations.tenancy.change_lists import NamesFilter
from organizations.tenancy.models import TenantQuerySet, require_organization
from webchats.admin.actions import export_actions
from webchats.admin.forms import LinesField
from webchats.admin.imports import ImportMixin
from webchats.conversations.api.examples import KNOWLEDGE_REQUEST
from webchats.conversations.imports.columns import EXPORTED, read_rows
from webchats.conversations.imports.importer import KnowledgeImport
from webchats.conversations.models import KnowledgeEntry
from webchats.imports.exporter import rows_response, sample_file
from webchats.imports.formats import TEXT_FORMATS

_WORDINGS: Final = KnowledgeEntry._meta.get_field("also_asked_as")
#: The columns of a sample.
_SAMPLE: Final = ("question", "alsoAskedAs", "answer", "link", "language")
#: Prompts that a row of the list names.
_MAX_NAMES: Final = 3


class KnowledgeForm(TenantForm[KnowledgeEntry]):
    """An entry with its prompts, which must be of its organization."""

    also_asked_as = LinesField(
        _WORDINGS,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=f"One on each line. {_WORDINGS.help_text}",
    )

    class Meta:
        widgets = {
            "answer": forms.Textarea(attrs={"rows": 8}),
            "prompts": forms.CheckboxSelectMultiple,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields.get("prompts")
        # Read-only pages have no fields.
        if isinstance(field, forms.ModelMultipleChoiceField):
            assert isinstance(field.queryset, TenantQuerySet)
            if self.instance.organization_id:
                field.queryset = field.queryset.for_organization(self.instance.organization_id)
            field.queryset = field.queryset.only("name", "organization")
            assert isinstance(field.widget, RelatedFieldWidgetWrapper)
            field.widget.can_add_related = False

    def clean(self) -> dict[str, Any] | None:
        """Reject prompts of any organization but the one that a superuser has selected."""
        values = super().clean()
        for prompt in self.cleaned_data.get("prompts", ()):
            try:
                require_organization(prompt, self.instance.organization_id)
            except ValidationError as error:
                self.add_error("prompts", error)
                break
        return values


class PromptsFilter(NamesFilter):
    """A filter by prompt whose choice for entries without one has a name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "prompt"
        self.empty_value_display = SafeString("Every prompt")


def _export(
    entries: QuerySet[KnowledgeEntry], format_name: str, user: User
) -> StreamingHttpResponse:
    rows = read_rows(entries, format_name)
    return rows_response(EXPORTED, rows, format_name, name="knowledge", user=user)


@admin.register(KnowledgeEntry, site=site)
class KnowledgeAdmin(ImportMixin[KnowledgeEntry]):
    """Questions with the organization's answers."""

    form = KnowledgeForm
    run_class = KnowledgeImport
    name_column = "question"
    actions = export_actions("knowledge entries", _export)
    purpose = (
        "A knowledge entry is a question with your answer. Automatic answers are made from them."
    )
    list_display = ("question", "state", "language", "prompt_names", updated_at)
    list_filter = ("is_active", ("prompts", PromptsFilter))
    search_fields = ("questions", "answer")
    search_help_text = "Search questions and answers"
    fieldsets = (
        ("Question", {"fields": ("question", "also_asked_as", "language")}),
        ("Answer", {"fields": ("answer", "link")}),
        ("Use", {"fields": ("is_active", "prompts")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[KnowledgeEntry]:
        """Return the entries with their prompts; on the list, the first as ``first_prompts``."""
        names = Prompt.objects.only("name")
        prompts: Prefetch[Any] = Prefetch("prompts", names)
        match = request.resolver_match
        if match is not None and str(match.url_name).endswith("_changelist"):
            # An entry can have hundreds.
            prompts = Prefetch("prompts", names[: _MAX_NAMES + 1], to_attr="first_prompts")
        return super().get_queryset(request).prefetch_related(prompts)

    def get_sample(self, user: User, format_name: str) -> StreamingHttpResponse:
        """Return a sample file with one entry for every prompt."""
        values = [KNOWLEDGE_REQUEST[name] for name in _SAMPLE]
        if format_name in TEXT_FORMATS:
            values = ["\n".join(value) if isinstance(value, list) else value for value in values]
        return sample_file(_SAMPLE, values, format_name, name="knowledge")

    @admin.display(description="state", ordering="is_active")
    def state(self, entry: KnowledgeEntry) -> SafeString:
        return badge("Active", "good") if entry.is_active else badge("Inactive", "quiet")

    @admin.display(description="prompts")
    def prompt_names(self, entry: KnowledgeEntry) -> SafeString | str:
        prompts: list[Prompt] = getattr(entry, "first_prompts", [])
        links = [
            (reverse("admin:organizations_prompt_change", args=[prompt.pk]), prompt.name)
            for prompt in prompts[:_MAX_NAMES]
        ]
        names = format_html_join(", ", '<a href="{}">{}</a>', links)
        if len(prompts) > _MAX_NAMES:
            return format_html("{} and more", names)
        return names or "Every prompt"
