"""Views of the inbox: lists of conversations that are their query strings."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db import models
from django.db.models import IntegerField, Q, QuerySet, Subquery
from django.http import Http404, HttpRequest, QueryDict

from organizations.models import Organization
from webchats.conversations.filters import (
    WAITING_SINCE,
    encode_filters,
    make_filterset,
)
from webchats.conversations.models import Conversation, ConversationQuerySet
from webchats.conversations.transitions import Handler, State

#: Rows are counted up to this number, so that counts cost the same in every organization.
COUNT_LIMIT: Final = 100


class BuiltInView(models.TextChoices):
    """A view that every organization has. Its value is its query string."""

    WAITING = "state=open&handler=waiting", "Waiting"
    MINE = "state=open&assigneeId=me", "Mine"
    UNASSIGNED = "state=open&assigneeId=none", "Unassigned"
    DRAFTS = "state=open&hasDraft=true", "Drafts"
    OPEN = "state=open", "Open"
    CLOSED = "state=closed", "Closed"


#: The views whose number of conversations the navigation shows.
COUNTED: Final = (
    BuiltInView.WAITING,
    BuiltInView.MINE,
    BuiltInView.UNASSIGNED,
    BuiltInView.DRAFTS,
)
_EMPTY_TEXTS: Final[Mapping[str, str]] = {
    BuiltInView.WAITING: "Nobody is waiting.",
    BuiltInView.MINE: "No open conversation is assigned to you.",
    BuiltInView.UNASSIGNED: "Every open conversation is assigned to somebody.",
    BuiltInView.DRAFTS: "No draft waits for approval.",
    BuiltInView.OPEN: "No conversation is open.",
    BuiltInView.CLOSED: "No conversation has been closed.",
}


class Filters:
    """The filters of a query string. Those with an invalid or empty value are left out."""

    def __init__(self, request: HttpRequest, query: QueryDict) -> None:
        self._filterset = make_filterset(request, query)

    @property
    def values(self) -> Mapping[str, str]:
        """Return the filters by name."""
        return self._filterset.values

    @property
    def query_string(self) -> str:
        """Return the query string: the same one for the same filters."""
        return encode_filters(self.values)

    @property
    def searched_view(self) -> str:
        """Return the query string of the view that is searched: that without the search."""
        return encode_filters({k: v for k, v in self.values.items() if k != "search"})

    @property
    def is_built_in(self) -> bool:
        """Return whether they are those of a built-in view, perhaps with a search."""
        return self.searched_view in BuiltInView.values

    @property
    def is_waiting(self) -> bool:
        """Return whether a visitor waits in each of the conversations."""
        if self.values.get("ordering") == WAITING_SINCE:
            return True
        state, handler = self.values.get("state"), self.values.get("handler")
        return state == State.OPEN and handler == Handler.WAITING

    @property
    def empty_text(self) -> str:
        """Return the text of the empty list."""
        return _EMPTY_TEXTS.get(self.query_string, "No conversation matches the filters.")

    @property
    def notice(self) -> str:
        """Return which conversations the list lacks, if ``apply`` has not searched all."""
        limits, texts = self._filterset.limits, []
        if limits.has_more:
            texts.append(
                "Many conversations contain this text, and not all of the older ones are listed. "
                "Add a word or a filter."
            )
        if limits.parts_among:
            texts.append(
                f"Parts of words are found in the newest {limits.parts_among:,} conversations "
                "only, and whole words in all."
            )
        return " ".join(texts)

    def apply(
        self, organization_id: str, page: tuple[Q, int] | None = None
    ) -> ConversationQuerySet[Conversation]:
        """Return the conversations of the organization that match.

        With ``page``, a search returns those of the page: see ``ConversationFilter``.
        """
        self._filterset.page = page
        self._filterset.queryset = Conversation.objects.for_organization(organization_id)
        self._filterset.organization_id = organization_id
        found = self._filterset.qs
        assert isinstance(found, ConversationQuerySet)
        return found


class _RowCount(Subquery):
    """The number of rows of a query with a limit."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


def count_rows(rows: QuerySet[Any]) -> Subquery:
    """Return an expression for the number of rows, up to ``COUNT_LIMIT``."""
    return _RowCount(rows.order_by().values("pk")[:COUNT_LIMIT])


def get_counts(
    request: HttpRequest, organization_id: str, views: Sequence[str]
) -> tuple[Organization, dict[str, str]]:
    """Return the organization with the numbers of conversations of views, in one query.

    Raise ``Http404`` if the organization does not exist.
    """
    querysets = [Filters(request, QueryDict(view)).apply(organization_id) for view in views]
    counts = {f"count_{number}": count_rows(rows) for number, rows in enumerate(querysets)}
    organization = Organization.objects.filter(pk=organization_id).annotate(**counts).first()
    if organization is None:
        raise Http404("The organization does not exist.")
    numbers = [getattr(organization, name) for name in counts]
    return organization, dict(zip(views, map(format_count, numbers), strict=True))


def add_counts(*counts: str) -> str:
    """Return the sum of numbers as ``format_count`` returns them."""
    return format_count(sum(int(count.rstrip("+") or 0) + count.endswith("+") for count in counts))


def format_count(number: int) -> str:
    """Return a number of rows; ``99+`` from ``COUNT_LIMIT`` on, and an empty text for none."""
    return f"{COUNT_LIMIT - 1}+" if number >= COUNT_LIMIT else str(number or "")
