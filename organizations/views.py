"""The kernel's doors: signing in and out, API keys, prompts, pipelines."""

from typing import Any

from django.contrib.auth.models import update_last_login
from django.db import transaction
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from organizations import serializers
from organizations.auth.authentication import BearerAuthentication
from organizations.auth.tokens import issue_pair
from organizations.models import ApiKey, Pipeline, Prompt, User
from organizations.tenancy.viewsets import TenantViewSet
from webchat_project.api import filters
from webchat_project.api.document_reader import DocumentReader


class PromptFilter(django_filters.FilterSet):
    """What the list of prompts can be asked."""

    search = filters.SearchFilter(fields=("name", "instructions"))
    isActive = filters.FlagFilter(field_name="is_active")
    ordering = filters.DocumentOrdering(
        fields={"created_at": "createdAt", "updated_at": "updatedAt", "name": "name"}
    )


@extend_schema(tags=["prompts"])
class PromptViewSet(TenantViewSet[Prompt]):
    """What the AI is told. A webchat points to one of its organization's active prompts."""

    queryset = Prompt.objects.all()
    serializer_class = serializers.PromptSerializer
    filterset_class = PromptFilter
    reader = DocumentReader(serializers.PromptSerializer)


class PipelineFilter(django_filters.FilterSet):
    """What the list of pipelines can be asked."""

    search = filters.SearchFilter(fields=("name",))
    isDefault = filters.FlagFilter(field_name="is_default")
    ordering = filters.DocumentOrdering(
        fields={"created_at": "createdAt", "updated_at": "updatedAt", "name": "name"}
    )


@extend_schema(tags=["pipelines"])
class PipelineViewSet(TenantViewSet[Pipeline]):
    """Pipelines with their ordered stages, which new contacts enter."""

    queryset = Pipeline.objects.prefetch_related("stages")
    serializer_class = serializers.PipelineSerializer
    filterset_class = PipelineFilter


class ApiKeyFilter(django_filters.FilterSet):
    """What the list of API keys can be asked."""

    search = filters.SearchFilter(fields=("name",))
    ordering = filters.DocumentOrdering(
        fields={"created_at": "createdAt", "last_used_at": "lastUsedAt", "name": "name"}
    )


@extend_schema(tags=["API keys"])
@extend_schema_view(create=extend_schema(responses={201: serializers.NewApiKeySerializer}))
class ApiKeyViewSet(TenantViewSet[ApiKey]):
    """Long-lived credentials for machines. A key is made, shown once, and deleted to revoke it;
    it cannot be changed."""

    http_method_names = ("get", "post", "delete", "head", "options")
    queryset = ApiKey.objects.all()
    serializer_class = serializers.ApiKeySerializer
    filterset_class = ApiKeyFilter
    reader = DocumentReader(serializers.ApiKeySerializer)

    def get_serializer_class(self) -> Any:
        """The secret is in the answer that makes the key."""
        if self.action == "create":
            return serializers.NewApiKeySerializer
        return super().get_serializer_class()

    def owner(self) -> dict[str, Any]:
        return {"user": self.request.user}


class _PublicView(APIView):
    """A call that needs no credential."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get_authenticate_header(self, request: Request) -> str:
        """Without it the framework would answer a wrong password with 403 instead of 401."""
        return BearerAuthentication().authenticate_header(request)


@extend_schema(tags=["signing in"], auth=[])
class LoginView(_PublicView):
    """Sign in by e-mail and password."""

    throttle_scope = "sign_in"

    @extend_schema(
        operation_id="login",
        request=serializers.LoginSerializer,
        responses=serializers.LoginAnswerSerializer,
    )
    def post(self, request: Request) -> Response:
        """Answer with an access token, a refresh token and who has signed in."""
        serializer = serializers.LoginSerializer(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        user: User = serializer.validated_data["user"]
        update_last_login(User, user)
        answer = {**issue_pair(user), "user": serializers.SignedInUserSerializer(user).data}
        return Response(answer)


@extend_schema(tags=["signing in"], auth=[])
class RefreshView(_PublicView):
    """Exchange a refresh token."""

    @extend_schema(
        operation_id="refresh",
        request=serializers.RefreshSerializer,
        responses=serializers.TokenPairSerializer,
    )
    def post(self, request: Request) -> Response:
        """Answer with a new pair; the refresh token sent is dead from then on."""
        serializer = serializers.RefreshSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        # The old token is dead only if there is a new one.
        with transaction.atomic():
            serializer.validated_data["token"].revoke()
            pair = issue_pair(serializer.validated_data["user"])
        return Response(pair)


@extend_schema(tags=["signing in"])
class LogoutView(APIView):
    """Sign out."""

    @extend_schema(
        operation_id="logout",
        request=serializers.RefreshSerializer,
        responses=serializers.MessageSerializer,
    )
    def post(self, request: Request) -> Response:
        """End a refresh token. Who holds it may end it; a dead one is answered 401."""
        serializer = serializers.RefreshSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        serializer.validated_data["token"].revoke()
        return Response({"message": "Signed out"})


@extend_schema(tags=["signing in"])
class VerifyTokenView(APIView):
    """Ask whether a token is good."""

    @extend_schema(operation_id="verify_token", responses=serializers.MessageSerializer)
    def get(self, request: Request) -> Response:
        """200 for a credential that works, 401 for any other."""
        return Response({"message": "Token is good"})
