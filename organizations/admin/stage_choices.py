"""Forms with a pipeline and one of its stages.

An organization can have thousands of stages, so a form contains those of the selected pipeline. A
script (``stage_choices.js``) loads those of another one. Without it, saving the form with another
pipeline shows the stages of that one.
"""

import re
from functools import cache
from typing import TypeAlias

from django import forms
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.http import HttpRequest, JsonResponse
from django.urls import reverse

from organizations.models import Stage
from organizations.models.pipeline import StageQuerySet
from webchat_project.api.object_ids import OBJECT_ID_PATTERN

_Choice: TypeAlias = tuple[str, str]
#: The parameters of ``stage_choices``.
_PIPELINE, _ACTIVE = "pipeline", "active"


def offer_stages(
    form: forms.BaseForm, pipeline_name: str, stage_name: str, *, only_active: bool
) -> None:
    """Offer the stages of the selected pipeline in the select element of the field for a stage.

    The field accepts every stage of its queryset. The model validates that it is one of the
    pipeline.
    """
    stage = form.fields[stage_name]
    assert isinstance(stage, forms.ModelChoiceField)
    empty, queryset = str(stage.empty_label), stage.queryset
    assert isinstance(queryset, StageQuerySet)

    @cache
    def choices_of(pipeline_id: str) -> list[_Choice]:
        return [("", empty), *_read_choices(queryset, pipeline_id)]

    # When the form is rendered: a conflict changes its values.
    stage.widget.choices = lambda: choices_of(str(form[pipeline_name].value() or ""))
    url = f"{reverse('admin:organizations_pipeline_stages')}?{_ACTIVE}={int(only_active)}"
    widget = form.fields[pipeline_name].widget
    # Only model admins wrap it.
    select = widget.widget if isinstance(widget, RelatedFieldWidgetWrapper) else widget
    select.attrs |= {
        "data-stages": form.add_prefix(stage_name),
        "data-stages-url": f"{url}&{_PIPELINE}=",
    }


def stage_choices(request: HttpRequest) -> JsonResponse:
    """Return the ids and names of the stages of a pipeline of the user, in their order."""
    stages = Stage.objects.for_user(request.user)
    if request.GET.get(_ACTIVE) == "1":
        stages = stages.active()
    return JsonResponse({"stages": _read_choices(stages, request.GET.get(_PIPELINE, ""))})


def _read_choices(stages: StageQuerySet, pipeline_id: str) -> list[_Choice]:
    if not re.fullmatch(OBJECT_ID_PATTERN, pipeline_id):
        return []
    rows = stages.filter(pipeline_id=pipeline_id).order_by("position", "id")
    return list(rows.select_related(None).values_list("pk", "name"))
