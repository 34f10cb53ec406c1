"""The webchats' door for API clients."""

from typing import Any

from drf_spectacular.utils import extend_schema

from organizations.tenancy.rest import TenantViewSet
from webchats.filters import WebchatFilter
from webchats.models import Webchat
from webchats.serializers import WebchatSerializer


@extend_schema(tags=["webchats"])
class WebchatViewSet(TenantViewSet[Webchat]):
    """The configurations of the organization's chat widgets."""

    queryset = Webchat.objects.all()
    serializer_class = WebchatSerializer
    filterset_class = WebchatFilter

    def owner(self) -> dict[str, Any]:
        return {"user": self.request.user, "created_by": self.request.user}
