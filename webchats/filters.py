"""Query parameters of the list of webchats."""

from django_filters import rest_framework as django_filters

from webchat_project.api.filters import (
    DocumentOrderingFilter,
    IdFilter,
    SearchFilter,
    StrictBooleanFilter,
)
from webchats.search import containing


class WebchatFilter(django_filters.FilterSet):
    """Filters and orderings, named like the fields of the document."""

    search = SearchFilter(search=containing)
    isEnabled = StrictBooleanFilter(field_name="is_enabled")
    isAutopilot = StrictBooleanFilter(field_name="is_autopilot")
    promptId = IdFilter(field_name="prompt_id")
    pipelineId = IdFilter(field_name="pipeline_id")
    ordering = DocumentOrderingFilter(
        fields={"created_at": "createdAt", "updated_at": "updatedAt", "name": "name"}
    )
