"""The webchats' door for API clients."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view

from organizations.tenancy.rest import TenantViewSet
from webchats import examples
from webchats.filters import WebchatFilter
from webchats.models import Webchat
from webchats.serializers import WebchatSerializer

_CREATE = [
    OpenApiExample("A widget for the marketing site", examples.REQUEST, request_only=True),
    OpenApiExample(
        "The stored document",
        {"message": "Webchat configuration created", "data": examples.DOCUMENT},
        response_only=True,
        status_codes=["201"],
    ),
]


@extend_schema(tags=["webchats"])
@extend_schema_view(create=extend_schema(examples=_CREATE))
class WebchatViewSet(TenantViewSet[Webchat]):
    """The configurations of the organization's chat widgets."""

    queryset = Webchat.objects.all()
    serializer_class = WebchatSerializer
    filterset_class = WebchatFilter

    def owner(self) -> dict[str, Any]:
        return {"user": self.request.user, "created_by": self.request.user}
