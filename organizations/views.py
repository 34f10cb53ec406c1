"""REST resources: prompts, pipelines, API keys, organizations and users."""

from django.db.models import Count
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.serializers import BaseSerializer

from organizations import member_serializers, serializers
from organizations.models import ApiKey, Organization, Pipeline, Prompt, User
from organizations.tenancy.large_responses import Bytes
from organizations.tenancy.viewsets import TenantReadUpdateViewSet, TenantViewSet
from webchat_project.api import filters
from webchat_project.api.openapi_operations import request_examples


class PromptFilter(django_filters.FilterSet):
    """Filters and orderings of the list of prompts."""

    search = filters.SearchFilter(fields=("name", "instructions"))
    isActive = filters.StrictBooleanFilter(field_name="is_active")
    ordering = filters.DocumentOrderingFilter(
        fields={"created_at": "createdAt", "updated_at": "updatedAt", "name": "name"}
    )


@extend_schema(tags=["prompts"])
@request_examples(
    create={
        "name": "Orders",
        "instructions": "Answer questions about orders, in two sentences at most.",
    },
    update={"temperature": 0.3},
)
class PromptViewSet(TenantViewSet[Prompt]):
    """Instructions for the AI. A webchat refers to an active prompt of its organization."""

    queryset = Prompt.objects.all()
    serializer_class = serializers.PromptSerializer
    filterset_class = PromptFilter
    row_bytes = Bytes("instructions")


class PipelineFilter(django_filters.FilterSet):
    """Filters and orderings of the list of pipelines."""

    search = filters.SearchFilter(fields=("name",))
    isDefault = filters.StrictBooleanFilter(field_name="is_default")
    ordering = filters.DocumentOrderingFilter(
        fields={"created_at": "createdAt", "updated_at": "updatedAt", "name": "name"}
    )


@extend_schema(tags=["pipelines"])
@request_examples(
    create={"name": "Support", "stages": [{"name": "New"}, {"name": "Solved", "color": "#047857"}]},
    update={"name": "Sales, Europe"},
)
class PipelineViewSet(TenantViewSet[Pipeline]):
    """Pipelines with their ordered stages, which new contacts enter."""

    queryset = Pipeline.objects.prefetch_related("stages")
    serializer_class = serializers.PipelineSerializer
    filterset_class = PipelineFilter
    # Models and documents of a stage take more memory than its JSON.
    row_bytes = Count("stages") * 500


class ApiKeyFilter(django_filters.FilterSet):
    """Filters and orderings of the list of API keys."""

    search = filters.SearchFilter(fields=("name",))
    ordering = filters.DocumentOrderingFilter(
        fields={"created_at": "createdAt", "last_used_at": "lastUsedAt", "name": "name"}
    )


@extend_schema(tags=["API keys"])
@request_examples(create={"name": "Nightly export"})
@extend_schema_view(create=extend_schema(responses={201: serializers.NewApiKeySerializer}))
class ApiKeyViewSet(TenantViewSet[ApiKey]):
    """Long-lived credentials for machines. A key cannot be changed. Deleting it revokes it."""

    http_method_names = ("get", "post", "delete", "head", "options")
    queryset = ApiKey.objects.all()
    serializer_class = serializers.ApiKeySerializer
    filterset_class = ApiKeyFilter

    def get_serializer_class(self) -> type[BaseSerializer[ApiKey]]:
        """Return the serializer; only that of ``create`` contains the secret."""
        if self.action == "create":
            return serializers.NewApiKeySerializer
        return super().get_serializer_class()


class OrganizationFilter(django_filters.FilterSet):
    """Filters and orderings of the list of organizations."""

    search = filters.SearchFilter(fields=("name",))
    ordering = filters.DocumentOrderingFilter(
        fields={"created_at": "createdAt", "updated_at": "updatedAt", "name": "name"}
    )


@extend_schema(tags=["organizations"])
@request_examples(
    update={
        "maskCardNumbers": True,
        "inactivityHours": 48,
        "timeZone": "Europe/Berlin",
        "retentionDays": 365,
    }
)
class OrganizationViewSet(TenantReadUpdateViewSet[Organization]):
    """The settings of the caller's organization; for a superuser, of every organization."""

    queryset = Organization.objects.all()
    serializer_class = member_serializers.OrganizationSerializer
    filterset_class = OrganizationFilter


class UserFilter(django_filters.FilterSet):
    """Filters and orderings of the list of users."""

    search = filters.SearchFilter(fields=("full_name", "display_name", "email"))
    isActive = filters.StrictBooleanFilter(field_name="is_active")
    ordering = filters.DocumentOrderingFilter(
        fields={"created_at": "createdAt", "updated_at": "updatedAt", "full_name": "fullName"}
    )


@extend_schema(tags=["users"])
@request_examples(update={"displayName": "Alex"})
class UserViewSet(TenantReadUpdateViewSet[User]):
    """The members of the organization, to whom conversations can be assigned."""

    queryset = User.objects.all()
    serializer_class = member_serializers.UserSerializer
    filterset_class = UserFilter
