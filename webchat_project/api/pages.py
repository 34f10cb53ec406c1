"""A page of a list, asked by compiled statements."""

from typing import Any, NamedTuple, Self

from django.core.cache import cache
from django.db.models import QuerySet

from webchat_project.api.statements import Statement

#: A list is counted this far at every request. Where there are more rows, all are counted once in
#: ``TOTAL_SECONDS``: counting a million takes far longer than all the rest of an answer.
COUNTED_ROWS = 10_000
TOTAL_SECONDS = 60


class Page(NamedTuple):
    """A page of a list. ``number`` is counted from 1."""

    number: int
    limit: int
    rows: Statement
    counted: Statement
    total: Statement

    @classmethod
    def of(
        cls, queryset: QuerySet[Any, Any], columns: tuple[str, ...], *, number: int, limit: int
    ) -> Self:
        """The page of the queryset's rows, in their order, with these columns."""
        start = (number - 1) * limit
        return cls(
            number,
            limit,
            rows=Statement(queryset.values_list(*columns)[start : start + limit]),
            counted=Statement.counting(queryset, at_most=COUNTED_ROWS + 1),
            total=Statement.counting(queryset),
        )

    def read(self, organization_id: str | None) -> tuple[list[tuple[Any, ...]], int]:
        """The page's rows, and how many there are on all pages: exactly up to ``COUNTED_ROWS``,
        above that as it was ``TOTAL_SECONDS`` ago at the most."""
        rows = self.rows.rows(organization_id=organization_id)
        if 0 < len(rows) < self.limit:  # the last page tells the total
            return rows, (self.number - 1) * self.limit + len(rows)
        return rows, self._total(organization_id)

    def _total(self, organization_id: str | None) -> int:
        key = f"total:{self.total.digest(organization_id=organization_id)}"
        total: int | None = cache.get(key)
        if total is None:
            total = self.counted.number(organization_id=organization_id)
            if total > COUNTED_ROWS:
                total = self.total.number(organization_id=organization_id)
                cache.set(key, total, TOTAL_SECONDS)
        return total
