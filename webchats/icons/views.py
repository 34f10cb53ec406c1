"""The icons' doors: uploading images, and opening those that lie in the local file system."""

import logging
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from webchats import icons
from webchats.icons.images import CONTENT_TYPES, CleanImage
from webchats.icons.local import SignedFileStorage
from webchats.icons.serializers import UploadAnswerSerializer, UploadSerializer
from webchats.icons.storage import StorageUnavailable
from webchats.models import Webchat

logger = logging.getLogger(__name__)


@extend_schema(tags=["webchats"])
class UploadView(APIView):
    """Images for later use."""

    #: Whose roles decide: who may write webchats.
    queryset = Webchat.objects.all()
    parser_classes = (MultiPartParser,)

    @extend_schema(
        operation_id="upload",
        request={"multipart/form-data": UploadSerializer},
        responses=UploadAnswerSerializer,
    )
    def post(self, request: Request) -> Response:
        """Store 1 to 10 images. Each answer's `key` is what a webchat's `icon` takes; an image
        that no webchat takes is removed after a day or more."""
        serializer = UploadSerializer(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        # Every image is good before the first one is stored.
        organization = serializer.validated_data["organizationId"]
        return Response(
            {
                "files": [
                    self._stored(organization.pk, name, image)
                    for name, image in serializer.validated_data["files"]
                ]
            }
        )

    def _stored(self, organization_id: str, name: str, image: CleanImage) -> dict[str, Any]:
        key = icons.store_image(organization_id, image)
        return {
            "key": key,
            "type": image.content_type,
            "name": name,
            "size": len(image.content),
            "signedUrl": icons.signed_url(key, self.request),
            "bucket": icons.icon_storage().bucket_name,
        }


@require_safe
def icon_file(request: HttpRequest, key: str) -> HttpResponse:
    """An icon of the local file system, for who has its signed URL."""
    storage = icons.icon_storage()
    if not isinstance(storage, SignedFileStorage):
        return HttpResponse(status=404)
    left = storage.seconds_left(
        key, request.GET.get("expires", ""), request.GET.get("signature", "")
    )
    if left is None:
        return HttpResponseForbidden("The link has expired or is not valid.", "text/plain")
    try:
        content = storage.read(key)
    except StorageUnavailable as error:
        logger.error("The icons' storage did not answer: %s", error)
        return HttpResponse(status=503)
    if content is None:
        return HttpResponse(status=404)
    # Only keys are signed: the name needs no quoting, and its ending is known.
    name = key.rpartition("/")[2]
    response = HttpResponse(content, content_type=CONTENT_TYPES[name.rpartition(".")[2]])
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    response.headers["Cache-Control"] = f"private, max-age={left}, immutable"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    # Shown on the customers' own sites.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
