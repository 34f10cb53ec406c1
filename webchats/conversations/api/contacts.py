"""The REST API of contacts."""

from typing import Any, cast

from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.models import User
from organizations.tenancy.serializers import TenantScopedSerializer
from organizations.tenancy.viewsets import TenantReadUpdateViewSet
from webchat_project.api.cursors import CursorPagination
from webchat_project.api.fields import IdField
from webchat_project.api.filters import IdFilter, SearchFilter
from webchat_project.api.openapi_operations import request_examples, response_example
from webchats.conversations.api import examples
from webchats.conversations.contacts import publish_contact
from webchats.conversations.models import Contact, StageMove
from webchats.conversations.moves import save_contact
from webchats.conversations.search import search_contacts
from webchats.conversations.services.contacts import require_stage


class ContactPageSerializer(serializers.Serializer[Contact]):
    """The page on which the visitor wrote last. URLs have no query and no fragment."""

    url = serializers.CharField(source="page_url")
    title = serializers.CharField(source="page_title")
    referrer = serializers.CharField()


class ContactSerializer(TenantScopedSerializer[Contact]):
    """A visitor who has written. ``status`` is the initial stage of the webchat, as text.

    ``stageEnteredAt`` is ``null`` without a stage, and where the time is unknown. With
    ``fromStageId``, which is only written, nothing is changed if the contact is in another stage:
    409 with the code ``moved_meanwhile``, and in ``details`` where it is and who moved it.
    """

    page = ContactPageSerializer(source="*", read_only=True)
    fromStageId = IdField(write_only=True, required=False, allow_null=True)

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
            "fromStageId",
            "stageEnteredAt",
            "status",
            "page",
            "locale",
            "firstSeenAt",
            "lastSeenAt",
            "createdAt",
            "updatedAt",
        )

    def update(self, instance: Contact, validated_data: dict[str, Any]) -> Contact:
        """Save the fields that were sent and the move, and publish them to open inboxes."""
        if "fromStageId" in validated_data:
            require_stage(instance, validated_data["fromStageId"])
        contact = self.validated_row
        user = cast("User", self.context["request"].user)
        save_contact(contact, user, columns=validated_data.keys() & self.columns)
        publish_contact(contact)
        return contact


class ContactMoveSerializer(TenantScopedSerializer[StageMove]):
    """A move of a contact, with the names as they were.

    Without a stage before or after it, the id is ``null`` and the name empty. So are ``movedBy``
    and ``movedByName`` for the visitor's first message, an import and the system.
    """

    class Meta:
        model = StageMove
        fields = (
            "_id",
            "fromPipelineId",
            "fromPipelineName",
            "fromStageId",
            "fromStageName",
            "toPipelineId",
            "toPipelineName",
            "toStageId",
            "toStageName",
            "movedBy",
            "movedByName",
            "at",
        )
        read_only_fields = fields


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

    @extend_schema(summary="List moves", responses=ContactMoveSerializer(many=True))
    @action(detail=True, serializer_class=ContactMoveSerializer, filterset_class=None)
    def moves(self, request: Request, pk: str) -> Response:
        """Return the moves of the contact from stage to stage, newest first."""
        # Any: rows of another model than the viewset's.
        moves: Any = self.get_object().moves.all()
        page = self.paginate_queryset(moves)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)
