"""The REST API of people's data: export and erasure of a contact."""

from typing import cast

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.models import User
from organizations.tenancy.viewsets import TenantReadUpdateViewSet
from webchat_project.api.cursors import CursorPagination
from webchat_project.api.fields import IdField
from webchat_project.api.openapi_operations import response_example
from webchat_project.api.timestamps import TimestampField
from webchats.conversations.api import examples
from webchats.conversations.models import Contact, Erasure, ErasureState
from webchats.conversations.privacy.access import may_erase, may_export
from webchats.conversations.privacy.erasure import request_erasure
from webchats.conversations.privacy.export import export_response
from webchats.imports.views import IgnoreAcceptHeader


class ErasureSerializer(serializers.Serializer[Erasure]):
    """The deletion of a contact with everything that was written to, by and about the person.

    It has no personal data, and stays. Events count as messages.
    """

    _id = IdField(source="id")
    organizationId = IdField(source="organization_id")
    contactId = IdField(source="contact_id")
    requestedBy = IdField(source="requested_by_id", allow_null=True)
    state = serializers.ChoiceField(choices=ErasureState.choices)
    percent = serializers.IntegerField(min_value=0, max_value=100)
    conversations = serializers.IntegerField(source="total_conversations", min_value=0)
    deletedConversations = serializers.IntegerField(source="deleted_conversations", min_value=0)
    messages = serializers.IntegerField(source="total_messages", min_value=0)
    deletedMessages = serializers.IntegerField(source="deleted_messages", min_value=0)
    finishedAt = TimestampField(source="finished_at", allow_null=True)
    createdAt = TimestampField(source="created_at")


class PrivacyActions(TenantReadUpdateViewSet[Contact]):
    """The actions ``export`` and ``erase``, for the viewset of contacts to inherit."""

    @extend_schema(
        summary="Export contact",
        responses={(200, "application/zip"): OpenApiResponse(OpenApiTypes.BINARY, "The archive.")},
    )
    @action(
        detail=True,
        url_path="export",
        filterset_class=None,
        content_negotiation_class=IgnoreAcceptHeader,
    )
    def export_person(self, request: Request, pk: str) -> StreamingHttpResponse:
        """Download all data stored about the person, as a ZIP archive of JSON files and a
        page to read. For department heads and administrators."""
        user, contact = cast("User", request.user), self.get_object()
        if not may_export(user):
            raise PermissionDenied
        return export_response(request._request, contact, user)

    @extend_schema(
        summary="Erase contact",
        request=None,
        responses={202: ErasureSerializer},
        examples=[
            OpenApiExample(
                "The erasure",
                {"message": "Erasure requested", "data": examples.ERASURE},
                response_only=True,
                status_codes=["202"],
            )
        ],
    )
    @action(detail=True, methods=["post"], serializer_class=ErasureSerializer)
    def erase(self, request: Request, pk: str) -> Response:
        """Delete the contact with everything that was written to, by and about the person, for
        good. For administrators.

        At once, the conversations are closed and detached from the visitor. A worker then deletes
        them: `GET /api/erasures/{id}` returns the progress. The figures of the conversations stay
        in the reports. 409 with the code `contact_gone` if the contact was merged meanwhile.
        """
        user = cast("User", request.user)
        # Without a lock: the conversations are locked first.
        contact = Contact.objects.for_user(user).filter(pk=pk).first()
        if contact is None:
            raise NotFound("Not found.")
        if not may_erase(user):
            raise PermissionDenied
        document = ErasureSerializer(request_erasure(contact=contact, user=user)).data
        return Response(
            {"message": "Erasure requested", "data": document},
            status.HTTP_202_ACCEPTED,
            headers={"Location": f"/api/erasures/{document['_id']}"},
        )


@extend_schema(tags=["erasures"])
@response_example(examples.ERASURE)
class ErasureViewSet(TenantReadUpdateViewSet[Erasure]):
    """Erasures of people: contact, times and requesting user. For administrators."""

    queryset = Erasure.objects.all()
    serializer_class = ErasureSerializer
    pagination_class = CursorPagination
    http_method_names = ["get", "head", "options"]
