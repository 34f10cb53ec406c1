"""The REST API of conversations."""

from drf_spectacular.utils import extend_schema

from organizations.tenancy.viewsets import TenantReadUpdateViewSet
from webchat_project.api.cursors import CursorPagination
from webchats.conversations.api.filters import ConversationFilter
from webchats.conversations.api.serializers import ConversationSerializer
from webchats.conversations.models import Conversation


@extend_schema(tags=["conversations"])
class ConversationViewSet(TenantReadUpdateViewSet[Conversation]):
    """Conversations of visitors. They begin with a visitor's first message in a widget."""

    queryset = Conversation.objects.select_related("contact")
    serializer_class = ConversationSerializer
    filterset_class = ConversationFilter
    pagination_class = CursorPagination
