"""The rows that a report is made from: conversations, and the facts of deleted ones.

Every query is made for both tables, which have the same columns, and the results are added.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import Count, Expression, Q

from organizations.models import Organization
from organizations.tenancy.models import TenantQuerySet
from webchats.conversations.models import (
    Conversation,
    ConversationQuerySet,
    RetainedConversation,
)
from webchats.conversations.reports.filters import ReportFilter
from webchats.conversations.reports.periods import Period


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

    def add_up(self, **aggregates: Expression) -> Counter[str]:
        """Return counts and sums of all rows."""
        total: Counter[str] = Counter()
        for rows in (self.stored, self.retained):
            values = rows.aggregate(**aggregates)
            total.update({name: value or 0 for name, value in values.items()})
        return total

    def count_by(
        self, *columns: str, condition: Q | None = None, **expressions: Expression
    ) -> Counter[Any]:
        """Return the number of rows by the values of columns: a tuple if there are several."""
        total: Counter[Any] = Counter()
        for rows in (self.stored, self.retained):
            selected = rows if condition is None else rows.filter(condition)
            selected = selected.annotate(**expressions)
            groups = selected.values_list(*columns, *expressions).annotate(rows=Count("*"))
            for *values, count in groups:
                total[values[0] if len(values) == 1 else tuple(values)] += count
        return total
