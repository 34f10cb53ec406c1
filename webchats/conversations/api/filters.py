"""Query parameters of the lists of conversations and contacts."""

from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema_field

from webchat_project.api.fields import ID_SCHEMA
from webchat_project.api.filters import ChoiceFilter, IdFilter, SearchFilter, StrictBooleanFilter
from webchat_project.api.object_ids import OBJECT_ID_PATTERN, validate_object_id
from webchats.conversations.models import Contact, Conversation, Draft
from webchats.conversations.search import search_conversations
from webchats.conversations.transitions import Handler, State

#: The value of ``assigneeId`` for conversations without an assignee.
UNASSIGNED = "none"


@extend_schema_field({**ID_SCHEMA, "pattern": f"^(?:{OBJECT_ID_PATTERN}|{UNASSIGNED})?$"})
class AssigneeFilter(django_filters.CharFilter):
    """Conversations of this user, or of nobody for ``none``."""

    def __init__(self, **options: Any) -> None:
        super().__init__(validators=[_validate_assignee], **options)

    def filter(self, qs: QuerySet[Conversation], value: str) -> QuerySet[Conversation]:
        if value == UNASSIGNED:
            return qs.filter(assignee=None)
        return qs.filter(assignee_id=value) if value else qs


def _validate_assignee(value: str) -> None:
    if value != UNASSIGNED:
        validate_object_id(value)


class ConversationFilter(django_filters.FilterSet):
    """Filters of conversations, named like the fields of the document."""

    state = ChoiceFilter(choices=State.choices)
    handler = ChoiceFilter(choices=Handler.choices)
    assigneeId = AssigneeFilter()
    webchatId = IdFilter(field_name="webchat_id")
    contactId = IdFilter(field_name="contact_id")
    hasDraft = StrictBooleanFilter(method="filter_has_draft")
    unread = StrictBooleanFilter(method="filter_unread")
    search = SearchFilter(method="filter_search")

    def filter_has_draft(
        self, rows: QuerySet[Conversation], name: str, value: bool
    ) -> QuerySet[Conversation]:
        """Return the rows with a draft that waits for a decision, or the others."""
        has_draft = Exists(Draft.objects.pending().filter(conversation=OuterRef("pk")))
        return rows.filter(has_draft) if value else rows.exclude(has_draft)

    def filter_unread(
        self, rows: QuerySet[Conversation], name: str, value: bool
    ) -> QuerySet[Conversation]:
        """Return the rows with messages that nobody of the organization has read, or the others."""
        is_unread = {"organization_read_sequence__lt": F("last_sequence")}
        return rows.filter(**is_unread) if value else rows.exclude(**is_unread)

    def filter_search(
        self, rows: QuerySet[Conversation], name: str, value: str
    ) -> QuerySet[Conversation]:
        """Return the rows whose contact or last message contains the text."""
        assert self.request is not None
        return search_conversations(rows, Contact.objects.for_user(self.request.user), value)
