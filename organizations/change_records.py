"""The table beside a model's own that keeps each version of a row: see ``change_history``."""

from functools import cache
from typing import Any

from simple_history.manager import HistoryManager
from simple_history.models import HistoricalRecords


class _Manager(HistoryManager):
    """The library's manager, whose class it would make anew for each row that is saved."""

    @classmethod
    @cache
    def from_queryset(cls, queryset_class: Any, class_name: str | None = None) -> Any:
        return super().from_queryset(queryset_class, class_name)


class ChangeRecords(HistoricalRecords):
    """Records who saved or deleted a row, when, and what it was then."""

    def __init__(self, **options: Any) -> None:
        super().__init__(history_manager=_Manager, **options)
