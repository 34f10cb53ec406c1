"""All numbers of a report as the rows of one table."""

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Final

from webchats.conversations.reports.conditions import NONE
from webchats.conversations.reports.figures import Bar, Report, Summary

COLUMNS: Final = ("table", "name", "label", "value", "before")
_USAGE: Final = ("calls", "input_tokens", "output_tokens", "estimated", "cost")
_SUMMARIES: Final = ("first_replies", "waiting", "resolution", "ai", "drafts", "ratings")


def table_rows(report: Report, before: Summary) -> Iterator[list[object]]:
    """Yield the figures with those of the period before, then the bars, by table."""
    former = dict(_summary_cells(before))
    for (table, name), value in _summary_cells(report):
        yield [table, name, "", value, former.get((table, name))]
    volume = report.volume
    hours = [bar for day in volume.hours for bar in day]
    charts: dict[str, Sequence[Bar]] = {
        "days": volume.days,
        "hours": hours,
        "webchats": volume.webchats,
        "representatives": volume.reps,
        "prompts": volume.prompts,
    }
    for table, bars in charts.items():
        for bar in bars:
            yield [table, bar.key, bar.label, bar.count, None]
    for usage in report.prompt_usage:
        key = f"{usage.prompt_id or NONE}-{usage.version}"
        label = f"{usage.name}, version {usage.version}"
        for name in _USAGE:
            value = getattr(usage, name)
            number = float(value) if isinstance(value, Decimal) else value
            yield ["usage", f"{key}.{name}", label, number, None]


def _summary_cells(summary: Summary) -> Iterator[tuple[tuple[str, str], object]]:
    yield ("summary", "conversations"), summary.conversations
    yield ("summary", "retained"), summary.retained
    for table in _SUMMARIES:
        for name, value in _flatten(getattr(summary, table)):
            yield (table, name), value


def _flatten(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield the numbers within a group of figures, by dotted path."""
    if is_dataclass(value):
        names = [(field.name, getattr(value, field.name)) for field in fields(value)]
    elif isinstance(value, dict):
        names = [(str(key), each) for key, each in value.items()]
    else:
        yield path, value
        return
    for name, each in names:
        if name != "key":
            yield from _flatten(each, f"{path}.{name}" if path else name)
