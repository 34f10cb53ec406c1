"""The REST API of canned replies."""

from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from organizations.tenancy.serializers import TenantDocumentSerializer
from organizations.tenancy.viewsets import TenantViewSet
from webchat_project.api.cursors import CursorPagination
from webchat_project.api.fields import IdField
from webchat_project.api.filters import SearchFilter
from webchat_project.api.openapi_operations import request_examples, response_example
from webchats.conversations.api import examples
from webchats.conversations.models import CannedReply


class CannedReplySerializer(TenantDocumentSerializer[CannedReply]):
    """A text that representatives insert. Its variables are filled in when it is inserted."""

    class Meta:
        model = CannedReply
        fields = ("_id", "organizationId", "shortcut", "title", "text", "createdAt", "updatedAt")


class FilledReplySerializer(serializers.Serializer[CannedReply]):
    """A canned reply with the values of a conversation.

    ``unresolved`` are the variables in ``text`` without value and default. A message with one of
    them is not sent.
    """

    _id = IdField()
    shortcut = serializers.CharField()
    title = serializers.CharField()
    text = serializers.CharField()
    unresolved = serializers.ListField(child=serializers.CharField())


class CannedReplyFilter(django_filters.FilterSet):
    """The filter of the list of canned replies."""

    search = SearchFilter(fields=("shortcut", "title", "text"))


@extend_schema(tags=["canned replies"])
@request_examples(create=examples.CANNED_REPLY_REQUEST, update={"title": "When we are open"})
@response_example(examples.CANNED_REPLY)
class CannedReplyViewSet(TenantViewSet[CannedReply]):
    """Texts that representatives insert into their messages, ordered by shortcut."""

    queryset = CannedReply.objects.all()
    serializer_class = CannedReplySerializer
    filterset_class = CannedReplyFilter
    pagination_class = CursorPagination
