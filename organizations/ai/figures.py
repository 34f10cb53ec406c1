"""Figures of usage, by prompt and month."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncMonth

from organizations.models import AiUsage


@dataclass(frozen=True)
class MonthFigures:
    """The calls of a prompt in a month (UTC).

    ``cost`` is ``None`` if no call had a price. ``estimated_calls`` is the number of calls whose
    tokens the provider has not reported.
    """

    #: The first moment of the month.
    month: datetime
    #: ``None`` for calls without a stored prompt, such as tests of a connection.
    prompt_id: str | None
    prompt_name: str
    calls: int
    input_tokens: int
    output_tokens: int
    estimated_calls: int
    cost: Decimal | None


def usage_by_month(
    organization_id: str, *, prompt_id: str | None = None, since: datetime | None = None
) -> list[MonthFigures]:
    """Return the figures of an organization, newest month first, then by the prompt's name.

    ``prompt_id`` limits them to a prompt, ``since`` to calls from that time on.
    """
    rows = AiUsage.objects.for_organization(organization_id).exclude(settled_at=None)
    if prompt_id is not None:
        rows = rows.filter(prompt_id=prompt_id)
    if since is not None:
        rows = rows.filter(created_at__gte=since)
    months = rows.order_by().annotate(month=TruncMonth("created_at"))
    groups = months.values("month", "prompt_id", "prompt__name").annotate(
        calls=Count("pk"),
        input_sum=Sum("input_tokens"),
        output_sum=Sum("output_tokens"),
        estimated=Count("pk", filter=Q(is_estimated=True)),
        cost_sum=Sum("cost"),
    )
    return [
        MonthFigures(
            month=group["month"],
            prompt_id=group["prompt_id"],
            prompt_name=group["prompt__name"] or "",
            calls=group["calls"],
            input_tokens=group["input_sum"],
            output_tokens=group["output_sum"],
            estimated_calls=group["estimated"],
            cost=group["cost_sum"],
        )
        for group in groups.order_by("-month", "prompt__name", "prompt_id")
    ]
