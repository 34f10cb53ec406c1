"""Links from a number of the report to the conversations behind it."""

from datetime import date

from django.http import QueryDict
from django.urls import reverse


class Links:
    """Makes links with the period and the filters of a report."""

    def __init__(self, query: QueryDict) -> None:
        self._query = query
        self._path = reverse("reports:conversations")

    def drill_down(self, key: str) -> str:
        """Return the link for a key; empty without one, such as of the bar of all others."""
        return self._make(key) if key else ""

    def between(self, first: date, last: date) -> str:
        """Return the link to the conversations of some days of the period."""
        return self._make("conversations", {"from": first.isoformat(), "to": last.isoformat()})

    def _make(self, key: str, dates: dict[str, str] | None = None) -> str:
        query = self._query.copy()
        for name, value in (dates or {}).items():
            query[name] = value
        query["key"] = key
        return f"{self._path}?{query.urlencode()}"


def make_day_query(day: date) -> QueryDict:
    """Return the query string of the report of one day."""
    query = QueryDict(mutable=True)
    query.update({"from": day.isoformat(), "to": day.isoformat()})
    return query
