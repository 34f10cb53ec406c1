"""Vanilla Django REST framework: ``ModelViewSet`` and ``ModelSerializer``.

It does not check: rate limits, roles, whether a prompt, pipeline or stage is the organization's,
active, or of the pipeline (nor where contacts go), the document's types as strictly, names that
stand twice in a body. It does not lock the row that it changes, and takes no icon. The fields'
own validators, the database's constraints and the change history are the model's and so the same.

Its filters also run where one document is asked for: that is the framework's way.
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

from tests.benchmarks.peers.document import LIMIT, NAMES, moment, pagination
from webchats.icons.storage import signed_url
from webchats.icons.views import icon_file
from webchats.models import Webchat

_RELATIONS = ("organization", "user", "created_by", "prompt", "pipeline", "pipeline_stage")
_SOURCES = {
    name: attribute.removesuffix("_id")
    if attribute.removesuffix("_id") in _RELATIONS
    else attribute
    for name, attribute in NAMES.items()
}


class MomentField(serializers.DateTimeField):
    """Milliseconds, as the document has them."""

    def to_representation(self, value: datetime) -> str:
        return moment(value)


class WebchatSerializer(serializers.ModelSerializer[Webchat]):
    """The document."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        **{
            model_field: MomentField
            for model_field, field in serializers.ModelSerializer.serializer_field_mapping.items()
            if field is serializers.DateTimeField
        },
    }

    icon = serializers.SerializerMethodField()

    class Meta:
        model = Webchat
        fields = tuple(NAMES)
        extra_kwargs = {
            name: {"source": source} for name, source in _SOURCES.items() if name != source
        }

    def get_icon(self, row: Webchat) -> str | None:
        """The signed URL, made as the service makes it."""
        return signed_url(row.icon, self.context["request"])


class Pages(PageNumberPagination):
    """The same envelope."""

    page_size = LIMIT
    page_size_query_param = "limit"
    max_page_size = 100

    def get_paginated_response(self, data: Any) -> Response:
        assert self.page is not None
        paginator = self.page.paginator
        envelope = pagination(self.page.number, paginator.per_page, paginator.count)
        return Response({"data": data, "pagination": envelope})


class WebchatViewSet(viewsets.ModelViewSet[Webchat]):
    """The caller's organization's webchats."""

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
        made = super().create(request, *args, **kwargs)
        made.data = {"message": "Webchat configuration created", "data": made.data}
        return made

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        data = super().update(request, *args, **kwargs).data
        return Response({"message": "Webchat configuration updated", "data": data})


router = SimpleRouter(trailing_slash=False)
router.register("webchats", WebchatViewSet)
urlpatterns = [
    path("api/", include(router.urls)),
    path("icons/<path:key>", icon_file, name="icon-file"),
]
