"""The REST resource of AI providers."""

from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema

from organizations.ai.serializers import AiProviderSerializer
from organizations.models import AiProvider
from organizations.models.ai_provider import ProviderKind
from organizations.tenancy.viewsets import TenantViewSet
from webchat_project.api import filters
from webchat_project.api.openapi_operations import request_examples


class AiProviderFilter(django_filters.FilterSet):
    """Filters and orderings of the list of AI providers."""

    search = filters.SearchFilter(fields=("name",))
    kind = filters.ChoiceFilter(choices=ProviderKind.choices)
    ordering = filters.DocumentOrderingFilter(
        fields={"created_at": "createdAt", "updated_at": "updatedAt", "name": "name"}
    )


@extend_schema(tags=["AI providers"])
@request_examples(
    create={"name": "Claude", "kind": "anthropic", "defaultModel": "claude-haiku-4-5"},
    update={"monthlyTokenBudget": 2000000},
)
class AiProviderViewSet(TenantViewSet[AiProvider]):
    """Providers of language models, with their API keys. Only administrators can change them."""

    queryset = AiProvider.objects.all()
    serializer_class = AiProviderSerializer
    filterset_class = AiProviderFilter
