"""The document of a conversation."""

from collections.abc import Mapping
from typing import Any, cast

from django.core.exceptions import ValidationError
from rest_framework import serializers

from organizations.models import User
from organizations.tenancy.serializers import TenantScopedSerializer
from webchat_project.api.fields import ChoiceField, IdField
from webchats.conversations import services
from webchats.conversations.models import Author, Contact, Conversation
from webchats.conversations.models.rating import HIGHEST_SCORE, LOWEST_SCORE
from webchats.conversations.transitions import State
from webchats.conversations.validation import validate_assignee, validate_prompt


class ConversationContactSerializer(serializers.Serializer[Contact]):
    """The contact of a conversation, as lists show it."""

    _id = IdField(source="id")
    name = serializers.CharField()
    email = serializers.CharField()
    phone = serializers.CharField()


class LastMessageSerializer(serializers.Serializer[Conversation]):
    """The last message of a conversation. ``text`` has at most 200 characters."""

    author = ChoiceField(choices=Author.choices, source="last_message_author")
    text = serializers.CharField(source="last_message_preview")


class ConversationRatingSerializer(serializers.Serializer[Conversation]):
    """The visitor's rating of a conversation."""

    score = serializers.IntegerField(min_value=LOWEST_SCORE, max_value=HIGHEST_SCORE)
    comment = serializers.CharField()


class ConversationSerializer(TenantScopedSerializer[Conversation]):
    """A conversation without its messages.

    ``promptId`` and ``isAutopilot`` replace the webchat's settings in this conversation; ``null``:
    the webchat's are used. ``unread`` is the number of messages that no member of the organization
    has read.
    """

    contact = ConversationContactSerializer(read_only=True)
    state = ChoiceField(choices=State.choices, required=False)
    unread = serializers.IntegerField(read_only=True, min_value=0)
    lastMessage = LastMessageSerializer(source="*", read_only=True)
    rating = ConversationRatingSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Conversation
        fields = (
            "_id",
            "organizationId",
            "webchatId",
            "contactId",
            "contact",
            "promptId",
            "isAutopilot",
            "state",
            "handler",
            "assigneeId",
            "lastSequence",
            "unread",
            "lastMessage",
            "lastMessageAt",
            "waitingSince",
            "firstReplyAt",
            "closedAt",
            "rating",
            "createdAt",
            "updatedAt",
        )
        # They follow from the messages and from the actions on the conversation.
        read_only_fields = (
            "webchatId",
            "contactId",
            "handler",
            "lastSequence",
            "lastMessageAt",
            "waitingSince",
            "firstReplyAt",
            "closedAt",
        )

    def validate_row(
        self, row: Conversation, values: Mapping[str, object], invalid: set[str]
    ) -> None:
        """Validate the changed references, in addition to the rules of the base class."""
        super().validate_row(row, values, invalid)
        errors: dict[str, ValidationError] = {}
        for name, validate in (("assignee", validate_assignee), ("prompt", validate_prompt)):
            reference: Any = values.get(name)
            try:
                if reference is not None:
                    validate(row, reference)
            except ValidationError as error:
                errors[name] = error
        if errors:
            raise ValidationError(errors)

    def update(self, instance: Conversation, validated_data: dict[str, Any]) -> Conversation:
        """Perform the actions that lead to the values: reopen, assign, configure, close."""
        user = cast("User", self.context["request"].user)
        row, state = instance, validated_data.get("state")
        if state == State.OPEN:
            row = services.reopen(conversation=row, user=user)
        if "assignee" in validated_data and validated_data["assignee"] != row.assignee:
            row = services.assign(conversation=row, assignee=validated_data["assignee"])
        if columns := validated_data.keys() & {"prompt", "is_autopilot"}:
            values = {name: validated_data[name] for name in columns}
            row = services.configure(conversation=row, **values)
        if state == State.CLOSED:
            row = services.close(conversation=row, user=user)
        row.contact = instance.contact
        return row
