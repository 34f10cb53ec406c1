"""Views that upload images and serve the icons of the local file system."""

import logging
from typing import TypedDict

from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from webchat_project.api.parsers import FilesParser
from webchats.icons.images import CONTENT_TYPES, SanitizedImage
from webchats.icons.local import LocalIconStorage
from webchats.icons.serializers import UploadResponseSerializer, UploadSerializer
from webchats.icons.storage import StorageUnavailable, icon_storage, signed_url, store_image
from webchats.models import Webchat

logger = logging.getLogger(__name__)


class StoredFile(TypedDict):
    """A stored image: see ``StoredFileSerializer``."""

    key: str
    type: str
    name: str
    size: int
    signedUrl: str
    bucket: str


@extend_schema(tags=["webchats"])
class UploadView(APIView):
    """Images to be used as icons."""

    #: The model whose permissions are required.
    queryset = Webchat.objects.all()
    parser_classes = (FilesParser,)

    @extend_schema(
        operation_id="upload",
        summary="Upload images",
        request={"multipart/form-data": UploadSerializer},
        responses=UploadResponseSerializer,
    )
    def post(self, request: Request) -> Response:
        """Store 1 to 10 images. Send the `key` of one as a webchat's `icon`. Images that are not
        used as an icon are deleted after a day or more."""
        serializer = UploadSerializer(data=request.data, context={"request": request})
        # All or nothing: no image is stored before every image is valid.
        serializer.is_valid(raise_exception=True)
        organization_id = serializer.validated_data["organizationId"].pk
        files = [
            self._stored_file(organization_id, name, image)
            for name, image in serializer.validated_data["files"]
        ]
        return Response({"files": files})

    def _stored_file(self, organization_id: str, name: str, image: SanitizedImage) -> StoredFile:
        key = store_image(organization_id, image)
        return {
            "key": key,
            "type": image.content_type,
            "name": name,
            "size": len(image.content),
            "signedUrl": signed_url(key, self.request),
            "bucket": icon_storage().bucket_name,
        }


@require_safe
def icon_file(request: HttpRequest, key: str) -> HttpResponse:
    """Serve an icon of the local file system at its signed URL."""
    storage = icon_storage()
    if not isinstance(storage, LocalIconStorage):
        return HttpResponse(status=404)
    expires, signature = request.GET.get("expires", ""), request.GET.get("signature", "")
    seconds_left = storage.seconds_left(key, expires, signature)
    if seconds_left is None:
        return HttpResponseForbidden("The link has expired or is invalid.", "text/plain")
    try:
        content = storage.read(key)
    except StorageUnavailable as error:
        logger.error("%s: %s", error.log_message, error)
        return HttpResponse(status=503)
    if content is None:
        return HttpResponse(status=404)
    # Only icon keys are signed: the name needs no quoting, and its extension is known.
    name = key.rpartition("/")[2]
    response = HttpResponse(content, content_type=CONTENT_TYPES[name.rpartition(".")[2]])
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    response.headers["Cache-Control"] = f"private, max-age={seconds_left}, immutable"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    # Customers' sites embed the icon.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
