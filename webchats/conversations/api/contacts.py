"""The REST API of contacts."""

from typing import Any

from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from organizations.tenancy.serializers import TenantScopedSerializer
from organizations.tenancy.viewsets import TenantReadUpdateViewSet
from webchat_project.api.cursors import CursorPagination
from webchat_project.api.filters import IdFilter, SearchFilter
from webchat_project.api.openapi_operations import request_examples, response_example
from webchats.conversations.api import examples
from webchats.conversations.contacts import publish_contact
from webchats.conversations.models import Contact
from webchats.conversations.search import search_contacts


class ContactPageSerializer(serializers.Serializer[Contact]):
    """The page on which the visitor wrote last. URLs have no query and no fragment."""

    url = serializers.CharField(source="page_url")
    title = serializers.CharField(source="page_title")
    referrer = serializers.CharField()


class ContactSerializer(TenantScopedSerializer[Contact]):
    """A visitor who has written. ``status`` is the initial stage of the webchat, as text."""

    page = ContactPageSerializer(source="*", read_only=True)

    class Meta:
        model = Contact
        fields = (
            "_id",
            "organizationId",
            "webchatId",
            "name",
            "email",
            "phone",
            "pipelineId",
            "stageId",
            "status",
            "page",
            "locale",
            "firstSeenAt",
            "lastSeenAt",
            "createdAt",
            "updatedAt",
        )

    def update(self, instance: Contact, validated_data: dict[str, Any]) -> Contact:
        """Save the fields that were sent, and publish the change to open inboxes."""
        contact = super().update(instance, validated_data)
        publish_contact(contact)
        return contact


class ContactFilter(django_filters.FilterSet):
    """Filters of contacts, named like the fields of the document."""

    webchatId = IdFilter(field_name="webchat_id")
    pipelineId = IdFilter(field_name="pipeline_id")
    stageId = IdFilter(field_name="stage_id")
    search = SearchFilter(search=search_contacts)


@extend_schema(tags=["contacts"])
@request_examples(update=examples.CONTACT_UPDATE)
@response_example(examples.CONTACT)
class ContactViewSet(TenantReadUpdateViewSet[Contact]):
    """Contacts: the visitors of the widgets. A visitor's first message makes a contact."""

    queryset = Contact.objects.all()
    serializer_class = ContactSerializer
    filterset_class = ContactFilter
    pagination_class = CursorPagination
