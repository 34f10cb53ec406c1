"""The REST API of webchats."""

from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, StreamingHttpResponse
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.models import User
from organizations.tenancy.viewsets import TenantViewSet
from webchat_project.api.fast_reads import FastReadsMixin
from webchat_project.api.parsers import FileParser
from webchat_project.api.timestamps import get_etag
from webchats import examples
from webchats.filters import WebchatFilter
from webchats.icons.keys import is_same_icon
from webchats.icons.references import lock_icons
from webchats.icons.serializers import IconUploadSerializer
from webchats.icons.storage import store_image
from webchats.imports.exporter import export_response
from webchats.imports.importer import WebchatImport
from webchats.imports.views import ImportExportViewSet, import_export_operations
from webchats.models import Webchat
from webchats.serializers import WebchatSerializer

_CREATE_EXAMPLES: Final = [
    OpenApiExample("A widget for the marketing site", examples.REQUEST, request_only=True),
    OpenApiExample(
        "The stored document",
        {"message": "Webchat configuration created", "data": examples.DOCUMENT},
        response_only=True,
        status_codes=["201"],
    ),
]
_UPDATE_EXAMPLES: Final = [
    OpenApiExample("Another status and position", examples.UPDATE, request_only=True)
]


@extend_schema(tags=["webchats"])
@import_export_operations("webchats")
@extend_schema_view(
    create=extend_schema(examples=_CREATE_EXAMPLES),
    update=extend_schema(examples=_UPDATE_EXAMPLES),
    partial_update=extend_schema(examples=_UPDATE_EXAMPLES),
)
class WebchatViewSet(ImportExportViewSet[Webchat], TenantViewSet[Webchat], FastReadsMixin[Webchat]):
    """The configurations of the organization's chat widgets."""

    queryset = Webchat.objects.all()
    serializer_class = WebchatSerializer
    filterset_class = WebchatFilter
    document_name = "webchat configuration"
    run_class = WebchatImport

    def export_response(
        self, rows: QuerySet[Webchat], format_name: str, user: User
    ) -> StreamingHttpResponse:
        """Return the webchats as a download. Icons are storage keys."""
        return export_response(rows, format_name, user=user)

    def lock_before_row(self) -> None:
        # Validation of a new icon locks the organization's icons, which must happen first: see
        # ``lock_icons``.
        icon = self.request.data.get("icon") if isinstance(self.request.data, dict) else None
        if icon:
            rows = Webchat.objects.for_user(self.request.user).filter(pk=self.kwargs["pk"])
            for organization_id, stored in rows.values_list("organization_id", "icon"):
                if not is_same_icon(icon, stored):
                    lock_icons(organization_id)

    @extend_schema(summary="Set icon", request={"multipart/form-data": IconUploadSerializer})
    @action(detail=True, methods=["put"], parser_classes=[FileParser])
    def icon(self, request: Request, pk: str) -> Response:
        """Store an image and set it as the webchat's icon."""
        rows = Webchat.objects.for_user(request.user)
        organization_id = rows.filter(pk=pk).values_list("organization_id", flat=True).first()
        if organization_id is None:
            raise Http404
        upload = IconUploadSerializer(data=request.data)
        upload.is_valid(raise_exception=True)
        image = upload.validated_data["file"].image
        # Before the row is locked, so that other writers do not wait for the storage.
        return self._set_icon(pk, store_image(organization_id, image))

    @extend_schema(summary="Remove icon", request=None)
    @icon.mapping.delete
    def remove_icon(self, request: Request, pk: str) -> Response:
        """Remove the webchat's icon."""
        return self._set_icon(pk, "")

    @transaction.atomic
    def _set_icon(self, pk: str, key: str) -> Response:
        rows = Webchat.objects.for_user(self.request.user)
        webchat = get_object_or_404(rows.select_for_update(of=("self",), no_key=True), pk=pk)
        self.check_version(webchat)
        message = self.message("updated")
        webchat.icon = key
        webchat.save(update_fields=["icon", "updated_at"])
        body = {"message": message, "data": self.get_serializer(webchat).data}
        return Response(body, headers={"ETag": get_etag(webchat.updated_at)})
