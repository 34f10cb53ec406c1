"""Query parameters of lists of conversations, in the API and in the inbox."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema_field

from organizations.models import User
from webchat_project.api.fields import ID_SCHEMA
from webchat_project.api.filters import ChoiceFilter, IdFilter, SearchFilter, StrictBooleanFilter
from webchat_project.api.object_ids import OBJECT_ID_PATTERN, validate_object_id
from webchats.conversations.models import Conversation, ConversationQuerySet, Draft
from webchats.conversations.models.rating import SCORES
from webchats.conversations.search import SearchLimits, search_conversations
from webchats.conversations.transitions import Handler, State

#: The value of ``assigneeId`` for conversations without an assignee.
UNASSIGNED: Final = "none"
#: The value of ``assigneeId`` for the user who makes the request.
ME: Final = "me"
#: The first and the last day of filters by date, so that every time zone can represent them.
_FIRST_DAY: Final = date(2000, 1, 1)
_LAST_DAY: Final = date(2999, 12, 31)
#: The value of ``ordering`` for visitors who wait for an answer, the longest waiting first.
WAITING_SINCE: Final = "waitingSince"
#: Whether a conversation has a draft that waits for a decision.
HAS_DRAFT: Final = Exists(
    Draft.objects.pending().filter(
        # The organization is in the index of pending drafts.
        organization=OuterRef("organization"),
        conversation=OuterRef("pk"),
    )
)
_ASSIGNEE_PATTERN: Final = f"^(?:{OBJECT_ID_PATTERN}|{UNASSIGNED}|{ME})?$"


@extend_schema_field({**ID_SCHEMA, "pattern": _ASSIGNEE_PATTERN})
class AssigneeFilter(django_filters.CharFilter):
    """Conversations of this user, of the caller (``me``), or without assignee (``none``)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(validators=[_validate_assignee], **options)

    def filter(self, qs: QuerySet[Conversation], value: str) -> QuerySet[Conversation]:
        if value == UNASSIGNED:
            return qs.filter(assignee=None)
        if value == ME:
            return qs.filter(assignee_id=self.parent.request.user.pk)
        return qs.filter(assignee_id=value) if value else qs


def _validate_assignee(value: str) -> None:
    if value not in (UNASSIGNED, ME):
        validate_object_id(value)


class DayFilter(django_filters.DateFilter):
    """Conversations whose last message is of this day or later; with ``last``, or earlier.

    Days begin at midnight in the current time zone.
    """

    def __init__(self, *, last: bool = False) -> None:
        super().__init__(
            input_formats=["%Y-%m-%d"],
            validators=[MinValueValidator(_FIRST_DAY), MaxValueValidator(_LAST_DAY)],
            error_messages={"invalid": "Must be a date such as 2030-12-31."},
        )
        self.is_last = last

    def filter(self, qs: QuerySet[Conversation], value: date | None) -> QuerySet[Conversation]:
        if value is None:
            return qs
        if self.is_last:
            return qs.filter(last_message_at__lt=_midnight(value + timedelta(days=1)))
        return qs.filter(last_message_at__gte=_midnight(value))


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time())).astimezone(UTC)


class ConversationFilter(django_filters.FilterSet):
    """Filters of conversations, named like the fields of the document."""

    #: The organization of the rows, if it is not the caller's.
    organization_id: str | None = None
    #: The filters by name, if ``make_filterset`` has made it.
    values: Mapping[str, str]
    #: The rows of a page: the condition for those after its cursor, and their number.
    page: tuple[Q, int] | None = None
    #: What a search has not searched. Known once ``qs`` has been read.
    limits = SearchLimits()

    state = ChoiceFilter(choices=State.choices)
    handler = ChoiceFilter(choices=Handler.choices)
    assigneeId = AssigneeFilter()
    webchatId = IdFilter(field_name="webchat_id")
    contactId = IdFilter(field_name="contact_id")
    stageId = IdFilter(field_name="contact__stage_id")
    hasDraft = StrictBooleanFilter(method="filter_has_draft")
    unread = StrictBooleanFilter(method="filter_unread")
    rating = ChoiceFilter(
        field_name="rating_score", choices=[(str(score), str(score)) for score in SCORES]
    )
    lastMessageFrom = DayFilter()
    lastMessageTo = DayFilter(last=True)
    search = SearchFilter(method="filter_search")
    ordering = ChoiceFilter(
        choices=[("-lastMessageAt", "Latest message"), (WAITING_SINCE, "Waiting time")],
        method="filter_ordering",
    )

    def filter_has_draft(
        self, rows: QuerySet[Conversation], name: str, value: bool
    ) -> QuerySet[Conversation]:
        """Return the rows with a draft that waits for a decision, or the others."""
        # Others have none, and PostgreSQL would read the drafts of all.
        if not value:
            return rows.exclude(HAS_DRAFT)
        return rows.filter(HAS_DRAFT, state=State.OPEN, handler=Handler.AI)

    def filter_unread(
        self, rows: QuerySet[Conversation], name: str, value: bool
    ) -> QuerySet[Conversation]:
        """Return the rows with messages that no member has read, or the others."""
        is_unread = {"organization_read_sequence__lt": F("last_sequence")}
        return rows.filter(**is_unread) if value else rows.exclude(**is_unread)

    def filter_ordering(
        self, rows: QuerySet[Conversation], name: str, value: str
    ) -> QuerySet[Conversation]:
        """Return the rows in this order; by waiting time, those in which a visitor waits."""
        if value != WAITING_SINCE:
            return rows
        # Nobody waits in a closed one. The condition names the index of open ones.
        waiting = rows.filter(state=State.OPEN, waiting_since__isnull=False)
        return waiting.order_by("waiting_since", "id")

    def filter_search(
        self, rows: QuerySet[Conversation], name: str, value: str
    ) -> QuerySet[Conversation]:
        """Return the rows whose messages or contact contain the text.

        With ``page``, return those of the page only.
        """
        assert self.request is not None
        assert isinstance(self.request.user, User)
        assert isinstance(self.queryset, ConversationQuerySet)
        organization_id = self.organization_id or self.request.user.organization_id
        condition, count = self.page or (Q(), None)
        rows, self.limits = search_conversations(
            rows.filter(condition), self.queryset, organization_id, value, count
        )
        return rows


def make_filterset(request: HttpRequest | None, query: QueryDict) -> ConversationFilter:
    """Return the valid filters of a query string, without empty ones. It has no rows yet.

    Its ``values`` are in the order of ``ConversationFilter``.
    """
    names = ConversationFilter.base_filters
    values = {name: str(query[name]) for name in names if str(query.get(name) or "").strip()}
    filterset = ConversationFilter(values, Conversation.objects.none(), request=request)
    form = filterset.form
    assert isinstance(form, forms.Form)
    if form.errors:
        values = {name: value for name, value in values.items() if name not in form.errors}
        # Each filterset takes a millisecond, so the first one is kept if it can be.
        filterset = ConversationFilter(values, Conversation.objects.none(), request=request)
    filterset.values = values
    return filterset


def encode_filters(values: Mapping[str, str]) -> str:
    """Return the query string of filters."""
    query = QueryDict(mutable=True)
    query.update(values)
    return query.urlencode()


def clean_query(text: str) -> str:
    """Return the query string with its filters in their order, without empty ones.

    Raise ``ValidationError`` if it has an unknown parameter or an invalid value.
    """
    query = QueryDict(text.removeprefix("?"))
    values = make_filterset(None, query).values
    given = [name for name in query if str(query.get(name) or "").strip()]
    if others := [name for name in given if name not in values]:
        message = f"Not a filter of conversations, or not with this value: {', '.join(others)}."
        raise ValidationError(message[:300], "invalid")
    return encode_filters(values)
