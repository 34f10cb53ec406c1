"""The REST API of merges of contacts."""

from typing import cast

from django.http import Http404
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.generics import get_object_or_404
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.models import User
from organizations.tenancy.viewsets import TenantReadUpdateViewSet
from webchat_project.api.cursors import CursorPagination
from webchat_project.api.fields import ChoiceField, IdField, ListField
from webchat_project.api.filters import IdFilter, StrictBooleanFilter
from webchat_project.api.openapi_operations import response_example
from webchat_project.api.request_serializers import RequestSerializer
from webchat_project.api.timestamps import TimestampField
from webchats.conversations import services
from webchats.conversations.api import examples
from webchats.conversations.api.contact_serializers import ContactSerializer
from webchats.conversations.duplicates import find_duplicates
from webchats.conversations.merged_values import CHOICES
from webchats.conversations.models import Contact, ContactMerge
from webchats.conversations.models.contact_merge import ContactMergeQuerySet


class RemovedContactSerializer(serializers.Serializer[dict[str, str]]):
    """The values of the removed contact."""

    name = serializers.CharField()
    email = serializers.CharField()
    phone = serializers.CharField()


class ContactMergeSerializer(serializers.Serializer[ContactMerge]):
    """A merge of two contacts.

    ``contactId`` is the contact that has the conversations now, ``null`` if it was deleted. It
    differs from ``keptContactId`` if that one was merged again. ``removedContact`` is ``null``
    once the merge cannot be undone any more.
    """

    _id = IdField(source="id")
    organizationId = IdField(source="organization_id")
    contactId = IdField(source="contact_id", allow_null=True)
    keptContactId = IdField(source="kept_id")
    removedContactId = IdField(source="removed_id")
    removedContact = RemovedContactSerializer(source="removed_values", allow_null=True)
    mergedBy = IdField(source="merged_by_id", allow_null=True)
    mergedByName = serializers.CharField(source="merged_by_name")
    isUndoable = serializers.BooleanField(source="is_undoable")
    undoableUntil = TimestampField(source="undoable_until")
    undoneAt = TimestampField(source="undone_at", allow_null=True)
    undoneBy = IdField(source="undone_by_id", allow_null=True)
    createdAt = TimestampField(source="created_at")


class MergeContactSerializer(RequestSerializer):
    """The contact to merge into that of the path, and the values to take from it."""

    contactId = IdField()
    take = ListField(
        child=ChoiceField(choices=[(name, name) for name in CHOICES]),
        required=False,
        allow_null=True,
        max_length=len(CHOICES),
        help_text="The fields whose value of this contact is kept. `stageId` also takes the "
        "pipeline. Default: those that only this contact has.",
    )


class DuplicateSerializer(serializers.Serializer[object]):
    """A contact that may be the same person, and the fields that are equal."""

    contact = ContactSerializer()
    matches = serializers.ListField(child=serializers.ChoiceField(choices=["email", "phone"]))


class WholeList(BasePagination):
    """The envelope of a list that is never long: ``data`` alone."""

    def get_paginated_response(self, data: object) -> Response:
        """Return the response with the documents."""
        return Response({"data": data})

    def get_paginated_response_schema(self, schema: dict[str, object]) -> dict[str, object]:
        """Return the schema of the response."""
        return {"type": "object", "required": ["data"], "properties": {"data": schema}}


class MergeActions(TenantReadUpdateViewSet[Contact]):
    """The actions on contacts that find duplicates and merge them."""

    @extend_schema(
        summary="List duplicates",
        responses=DuplicateSerializer(many=True),
    )
    @action(
        detail=True,
        serializer_class=DuplicateSerializer,
        pagination_class=WholeList,
        filterset_class=None,
    )
    def duplicates(self, request: Request, pk: str) -> Response:
        """Return the contacts with the same e-mail address, ignoring case, or the same phone
        number, ignoring separators: at most 20 of each."""
        duplicates = find_duplicates(self.get_object())
        return self.get_paginated_response(self.get_serializer(duplicates, many=True).data)

    @extend_schema(
        summary="Merge contacts",
        request=MergeContactSerializer,
        responses=ContactMergeSerializer,
        examples=[OpenApiExample("Example", examples.MERGE_REQUEST, request_only=True)],
    )
    @action(detail=True, methods=["post"])
    def merge(self, request: Request, pk: str) -> Response:
        """Move the conversations and moves of the contact `contactId` to this one, and remove it.

        The merge can be undone for 30 days. If one of both was merged or deleted meanwhile, nothing
        is changed: 409 with the code `contact_gone`. The code `contact_busy` means that another
        request or an import writes one of them: try again.
        """
        user = cast("User", request.user)
        # Not locked here: a merge locks conversations first.
        contacts = Contact.objects.for_user(user)
        kept = get_object_or_404(contacts, pk=pk)
        body = MergeContactSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        if body.validated_data["contactId"] == kept.pk:
            detail = ErrorDetail("Must be another contact.", "invalid")
            raise ValidationError({"contactId": [detail]})
        removed = contacts.filter(
            pk=body.validated_data["contactId"], organization_id=kept.organization_id
        ).first()
        if removed is None:
            raise Http404
        take = body.validated_data.get("take")
        merge = services.merge_contacts(kept=kept, removed=removed, user=user, take=take)
        return Response({"message": "Contacts merged", "data": ContactMergeSerializer(merge).data})


class ContactMergeFilter(django_filters.FilterSet):
    """Filters of merges."""

    contactId = IdFilter(field_name="contact_id")
    isUndoable = StrictBooleanFilter(method="filter_undoable")

    def filter_undoable(
        self, rows: ContactMergeQuerySet, name: str, value: bool
    ) -> ContactMergeQuerySet:
        """Return the merges that can be undone now, or the others."""
        undoable = rows.undoable()
        return undoable if value else rows.exclude(pk__in=undoable.order_by().values("pk"))


@extend_schema(tags=["contacts"])
@response_example(examples.CONTACT_MERGE)
class ContactMergeViewSet(TenantReadUpdateViewSet[ContactMerge]):
    """Merges of contacts, newest first, including those that can no longer be undone."""

    queryset = ContactMerge.objects.all()
    serializer_class = ContactMergeSerializer
    filterset_class = ContactMergeFilter
    pagination_class = CursorPagination
    http_method_names = ("get", "head", "options", "post")

    @extend_schema(summary="Undo merge", request=None)
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        """Restore both contacts, except for later changes: changed values of the kept contact,
        and later conversations, which stay with it.

        A merge that is too old or was undone, and one whose contact was deleted or merged again,
        cannot be undone: 409 with the code `merge_final`.
        """
        user = cast("User", request.user)
        merge = get_object_or_404(ContactMerge.objects.for_user(user), pk=pk)
        merge = services.undo_merge(merge=merge, user=user)
        return Response({"message": "Merge undone", "data": self.get_serializer(merge).data})
