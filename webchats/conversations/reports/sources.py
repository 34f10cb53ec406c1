"""The rows of a report: conversations, and the facts of deleted ones.

Every query is made for both tables, which have the same columns, and the results are added.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from django.db.models import Count, Expression, Q, QuerySet

from organizations.models import Organization
from organizations.tenancy.models import TenantQuerySet
from webchats.conversations.models import (
    Conversation,
    ConversationQuerySet,
    RetainedConversation,
)
from webchats.conversations.reports.filters import ReportFilter
from webchats.conversations.reports.periods import Period

#: Any: the rows of either table.
Rows: TypeAlias = "QuerySet[Any, Any]"
Sums: TypeAlias = Counter[str]


@dataclass(frozen=True)
class Sources:
    """The conversations of a report."""

    organization: Organization
    period: Period
    filter: ReportFilter

    @cached_property
    def stored(self) -> ConversationQuerySet[Conversation]:
        """Return the conversations that exist."""
        rows = Conversation.objects.for_organization(self.organization.pk)
        return rows.filter(self._condition).order_by()

    @cached_property
    def retained(self) -> TenantQuerySet[RetainedConversation]:
        """Return the facts of those that have been deleted."""
        rows = RetainedConversation.objects.for_organization(self.organization.pk)
        return rows.filter(self._condition).order_by()

    @property
    def _condition(self) -> Q:
        period = Q(first_message_at__gte=self.period.start, first_message_at__lt=self.period.end)
        return period & self.filter.condition()

    @property
    def both(self) -> tuple[Rows, Rows]:
        """Return the rows of both tables."""
        return self.stored, self.retained

    @property
    def parts(self) -> list[Rows]:
        """Return the rows of both tables and both halves of the period."""
        middle = self.period.start + (self.period.end - self.period.start) / 2
        halves = Q(first_message_at__lt=middle), Q(first_message_at__gte=middle)
        return [rows.filter(half) for rows in self.both for half in halves]

    def add_up(self, **aggregates: Expression) -> Sums:
        """Return counts and sums of all rows."""
        total: Sums = Counter()
        for rows in self.both:
            total.update({name: value or 0 for name, value in rows.aggregate(**aggregates).items()})
        return total

    def count_by(self, *columns: str, condition: Q | None = None) -> Counter[Any]:
        """Return the number of rows by the values of columns: a tuple if there are several."""
        total: Counter[Any] = Counter()
        for rows in self.both:
            total += self.count_rows(
                rows if condition is None else rows.filter(condition), *columns
            )
        return total

    @staticmethod
    def count_rows(rows: Rows, *columns: str, **expressions: Expression) -> Counter[Any]:
        """Return the number of rows of one table, as ``count_by`` does."""
        used = {name: each for name, each in expressions.items() if name in columns}
        groups = rows.annotate(**used).values_list(*columns).annotate(rows=Count("*"))
        return Counter(
            {values[0] if len(values) == 1 else tuple(values): count for *values, count in groups}
        )
