"""The REST API of contacts."""

from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.auth.roles import Operation, role_allows
from organizations.models import User
from webchat_project.api.cursors import CursorPagination
from webchat_project.api.filters import IdFilter, SearchFilter
from webchat_project.api.openapi_operations import request_examples, response_example
from webchat_project.api.viewsets import CreateReadUpdateViewSet
from webchats.conversations.api import examples
from webchats.conversations.api.contact_serializers import ContactMoveSerializer, ContactSerializer
from webchats.conversations.api.merges import MergeActions
from webchats.conversations.api.privacy import PrivacyActions
from webchats.conversations.imports.contacts import EXPORTED, ContactImport, read_rows
from webchats.conversations.models import Contact
from webchats.conversations.models.contact import EMAIL_LENGTH
from webchats.conversations.search import search_contacts
from webchats.imports.exporter import rows_response
from webchats.imports.views import ImportExportViewSet, import_export_operations


class ContactFilter(django_filters.FilterSet):
    """Filters of contacts, named like the fields of the document."""

    webchatId = IdFilter(field_name="webchat_id")
    pipelineId = IdFilter(field_name="pipeline_id")
    stageId = IdFilter(field_name="stage_id")
    email = django_filters.CharFilter(max_length=EMAIL_LENGTH)
    search = SearchFilter(search=search_contacts)


@extend_schema(tags=["contacts"])
@import_export_operations("contacts")
@request_examples(create=examples.CONTACT_REQUEST, update=examples.CONTACT_UPDATE)
@response_example(examples.CONTACT)
class ContactViewSet(
    MergeActions, PrivacyActions, ImportExportViewSet[Contact], CreateReadUpdateViewSet[Contact]
):
    """Contacts: the visitors of the widgets. A visitor's first message creates a contact, and
    members add others."""

    queryset = Contact.objects.all()
    serializer_class = ContactSerializer
    filterset_class = ContactFilter
    pagination_class = CursorPagination
    run_class = ContactImport

    def export_response(
        self, rows: QuerySet[Contact], format_name: str, user: User
    ) -> StreamingHttpResponse:
        """Return the contacts as a download. Raise ``PermissionDenied`` for representatives."""
        if not role_allows(user.role, Operation.ADD, Contact):
            raise PermissionDenied
        values = read_rows(rows)
        return rows_response(EXPORTED, values, format_name, name="contacts", user=user)

    @extend_schema(summary="List moves", responses=ContactMoveSerializer(many=True))
    @action(detail=True, serializer_class=ContactMoveSerializer, filterset_class=None)
    def moves(self, request: Request, pk: str) -> Response:
        """Return the moves of the contact from stage to stage, newest first."""
        # Any: rows of another model than the viewset's.
        moves: Any = self.get_object().moves.all()
        page = self.paginate_queryset(moves)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)
