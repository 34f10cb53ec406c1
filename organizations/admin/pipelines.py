"""The model admin of pipelines and their stages."""

from typing import Any, Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from organizations.admin.badges import badge
from organizations.admin.site import site
from organizations.admin.stage_choices import stage_choices
from organizations.admin.stage_forms import (
    USUAL_STAGES,
    DeletableStageForm,
    StageForm,
    StageFormSet,
    usual_stages,
)
from organizations.admin.times import updated_at
from organizations.admin.usage import UsageAdmin
from organizations.fields import ColorField
from organizations.models import Pipeline, Stage
from organizations.tenancy.admin import TenantForm
from organizations.tenancy.conflicts import ChangedField
from organizations.widgets import ColorInput

#: Stages of a pipeline whose names the list shows.
_MAX_STAGES_LISTED: Final = 8


class PipelineForm(TenantForm[Pipeline]):
    """The form of a pipeline."""

    def get_changed_rows(self) -> list[ChangedField]:
        """Return the stages: each save of the form replaces them all."""
        names = " → ".join(stage.name for stage in self.instance.stages.all())
        return [ChangedField("stages", names or "none", "The stages of this form")]


class StageInline(admin.TabularInline[Stage, Pipeline]):
    """The ordered stages of a pipeline."""

    model = Stage
    form = StageForm
    formset = StageFormSet
    formfield_overrides = {ColorField: {"widget": ColorInput}}
    fields = ("new_position", "name", "slug", "color", "is_active")
    extra = 0
    template = "admin/organizations/pipeline/stages.html"

    class Media:
        js = ("organizations/stage_positions.js",)

    def get_extra(self, request: HttpRequest, obj: Pipeline | None = None, **kwargs: Any) -> int:
        """Return the number of rows to add: those of the usual stages for a new pipeline."""
        return 0 if obj else len(USUAL_STAGES)

    # The arguments of Django's method.
    def get_formset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Return the formset, with a short error for a stage that is in use."""
        formset = super().get_formset(request, *args, **kwargs)
        formset.form = type("StageForm", (DeletableStageForm, formset.form), {})
        return formset


@admin.register(Pipeline, site=site)
class PipelineAdmin(UsageAdmin[Pipeline]):
    """Pipelines with their stages."""

    form = PipelineForm
    inlines = (StageInline,)
    purpose = (
        "A pipeline is the ordered stages that a contact goes through, such as New, Qualified and "
        "Won. New contacts enter it at the stage that you choose."
    )
    list_display = ("name", "default_badge", "stage_names", updated_at)
    list_filter = ("is_default",)
    search_fields = ("name",)
    fieldsets = ((None, {"fields": ("name", "is_default")}),)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Pipeline]:
        """Add the first stages of each, as ``first_stages``. All could be megabytes."""
        first = Stage.objects.order_by("position", "id")[: _MAX_STAGES_LISTED + 1]
        stages = models.Prefetch("stages", first, to_attr="first_stages")
        return super().get_queryset(request).prefetch_related(stages)

    # The arguments of Django's method.
    def get_formset_kwargs(self, request: HttpRequest, obj: Pipeline, *args: Any) -> dict[str, Any]:
        """Add the usual stages to the rows of a new pipeline."""
        kwargs = super().get_formset_kwargs(request, obj, *args)
        return {**kwargs, "initial": usual_stages()} if obj._state.adding else kwargs

    def get_urls(self) -> list[URLPattern]:
        """Add the URL of the stages of a pipeline, for scripts."""
        view = self.admin_site.admin_view(self.stages_view)
        return [path("stages/", view, name="organizations_pipeline_stages"), *super().get_urls()]

    def stages_view(self, request: HttpRequest) -> HttpResponse:
        """Return the stages of a pipeline as JSON: see ``stage_choices``."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return stage_choices(request)

    @admin.display(description="default", ordering="is_default")
    def default_badge(self, pipeline: Pipeline) -> SafeString | None:
        return badge("Default", "good") if pipeline.is_default else None

    @admin.display(description="stages")
    def stage_names(self, pipeline: Pipeline) -> str:
        stages: list[Stage] = getattr(pipeline, "first_stages", [])
        names = [stage.name for stage in stages[:_MAX_STAGES_LISTED]]
        return " → ".join([*names, *(["…"] if len(stages) > len(names) else [])])
