"""Vanilla Django REST framework: ``ModelViewSet`` and ``ModelSerializer``.

It skips throttles, roles and the initial stage. It does not check whether a prompt, pipeline or
stage belongs to the organization, is active and matches. It accepts JSON of the wrong type and
duplicate keys. It does not lock the row that it changes, and does not write icons. Field
validators, database constraints and the change history are the model's, and so the same.

As usual in DRF, the filters also run for a single document.
"""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.urls import include, path
from rest_framework import serializers, viewsets
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from tests.benchmarks.peers.document import LIMIT, NAMES, pagination, timestamp
from webchats.icons.storage import signed_url
from webchats.icons.views import icon_file
from webchats.models import Webchat

RELATIONS = ("organization", "user", "created_by", "prompt", "pipeline", "pipeline_stage")
SOURCES = {
    name: attribute.removesuffix("_id") if attribute.removesuffix("_id") in RELATIONS else attribute
    for name, attribute in NAMES.items()
}


class TimestampField(serializers.DateTimeField):
    """A timestamp with milliseconds."""

    def to_representation(self, value: datetime) -> str:
        return timestamp(value)


class WebchatSerializer(serializers.ModelSerializer[Webchat]):
    """A webchat as a JSON document."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        **{
            model_field: TimestampField
            for model_field, field in serializers.ModelSerializer.serializer_field_mapping.items()
            if field is serializers.DateTimeField
        },
    }

    icon = serializers.SerializerMethodField()

    class Meta:
        model = Webchat
        fields = tuple(NAMES)
        extra_kwargs = {
            name: {"source": source} for name, source in SOURCES.items() if name != source
        }

    def get_icon(self, row: Webchat) -> str | None:
        """Return the signed URL of the icon, as the service signs it, or ``None``."""
        return signed_url(row.icon, self.context["request"]) if row.icon else None


class Pages(PageNumberPagination):
    """Pagination with the service's envelope."""

    page_size = LIMIT
    page_size_query_param = "limit"
    max_page_size = 100

    def get_paginated_response(self, data: Any) -> Response:
        assert self.page is not None
        paginator = self.page.paginator
        envelope = pagination(self.page.number, paginator.per_page, paginator.count)
        return Response({"data": data, "pagination": envelope})


class WebchatViewSet(viewsets.ModelViewSet[Webchat]):
    """The webchats of the caller's organization."""

    queryset = Webchat.objects.all()
    serializer_class = WebchatSerializer
    pagination_class = Pages
    filterset_fields = ("is_enabled", "is_autopilot", "prompt", "pipeline")
    search_fields = ("name", "description")
    ordering_fields = ("created_at", "updated_at", "name")
    ordering = ("-created_at", "-id")

    def get_queryset(self) -> QuerySet[Webchat]:
        user: Any = self.request.user
        return super().get_queryset().filter(organization_id=user.organization_id)

    def perform_create(self, serializer: Any) -> None:
        user: Any = self.request.user
        serializer.save(organization_id=user.organization_id, user=user, created_by=user)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response({"data": super().retrieve(request, *args, **kwargs).data})

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = super().create(request, *args, **kwargs)
        response.data = {"message": "Webchat configuration created", "data": response.data}
        return response

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        data = super().update(request, *args, **kwargs).data
        return Response({"message": "Webchat configuration updated", "data": data})


router = SimpleRouter(trailing_slash=False)
router.register("webchats", WebchatViewSet)
urlpatterns = [
    path("api/", include(router.urls)),
    path("icons/<path:key>", icon_file, name="icon-file"),
]
