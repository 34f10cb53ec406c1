"""The JSON documents of contacts and of their moves."""

from typing import Any, cast

from django.utils import timezone
from rest_framework import serializers

from organizations.models import User
from organizations.tenancy.serializers import TenantDocumentSerializer, TenantScopedSerializer
from webchat_project.api.fields import IdField
from webchats.conversations.contacts import publish_contact
from webchats.conversations.models import Contact, StageMove
from webchats.conversations.moves import save_contact
from webchats.conversations.services.contacts import require_stage


class ContactPageSerializer(serializers.Serializer[Contact]):
    """The page on which the visitor wrote last. URLs have no query and no fragment."""

    url = serializers.CharField(source="page_url")
    title = serializers.CharField(source="page_title")
    referrer = serializers.CharField()


class ContactSerializer(TenantDocumentSerializer[Contact]):
    """A visitor who has written, or a person added by a member.

    ``status`` is at first the initial stage of the webchat, as text. A new contact needs a name,
    an e-mail address or a phone number.

    ``stageEnteredAt`` is ``null`` without a stage, and where the time is unknown. With
    ``fromStageId``, which is only written, nothing is changed if the contact is in another stage:
    409 with the code ``moved_meanwhile``; ``details`` has its stage and the user who moved it.
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

    def new_row(self) -> Contact:
        """Return a contact that has not visited."""
        contact = super().new_row()
        contact.first_seen_at = contact.last_seen_at = timezone.now()
        return contact

    def create(self, validated_data: dict[str, Any]) -> Contact:
        """Save the contact, and its move into a stage."""
        save_contact(self.validated_row, cast("User", self.context["request"].user))
        return self.validated_row

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
