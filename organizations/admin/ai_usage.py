"""The page with the usage of AI providers, by prompt and month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format

from organizations.admin.site import site
from organizations.ai.figures import MonthFigures, usage_by_month
from organizations.auth.roles import Operation, role_allows
from organizations.models import AiUsage, Organization, User

#: Calls of about a year are shown.
_SHOWN: Final = timedelta(days=366)
_CHART_HEIGHT: Final = 120
_BAR_WIDTH: Final = 40
_BAR_STEP: Final = 60


@dataclass(frozen=True)
class Bar:
    """The tokens of a month, with the place of its bar in the chart."""

    month: datetime
    tokens: int
    x: int
    y: int
    height: int

    @property
    def label(self) -> str:
        """The month, such as ``2026-11``."""
        return f"{self.month:%Y-%m}"

    @property
    def center(self) -> int:
        """The horizontal position of the label."""
        return self.x + _BAR_WIDTH // 2


def usage_view(request: HttpRequest) -> HttpResponse:
    """Return the page. A superuser chooses the organization by the parameter ``organization``."""
    user = request.user
    assert isinstance(user, User)
    if not role_allows(user.role, Operation.VIEW, AiUsage):
        raise PermissionDenied
    organizations = Organization.objects.for_user(user)
    chosen = request.GET.get("organization", "") if user.is_superuser else user.organization_id
    organization = organizations.filter(pk=chosen).first() if chosen else None
    if chosen and organization is None:
        raise Http404
    rows: list[MonthFigures] = []
    if organization is not None:
        rows = usage_by_month(organization.pk, since=timezone.now() - _SHOWN)
    bars = make_bars(rows)
    context = {
        **site.each_context(request),
        "title": "Usage of the AI",
        "organization": organization,
        "organizations": organizations if user.is_superuser else None,
        "rows": [(date_format(row.month, "YEAR_MONTH_FORMAT"), row) for row in rows],
        "bars": bars,
        "bar_width": _BAR_WIDTH,
        "chart_height": _CHART_HEIGHT,
        "view_width": max(len(bars) * _BAR_STEP, _BAR_STEP),
    }
    return TemplateResponse(request, "admin/organizations/prompt/usage.html", context)


def make_bars(rows: Sequence[MonthFigures]) -> list[Bar]:
    """Return a bar for each month with calls, the oldest first."""
    totals: dict[datetime, int] = {}
    for row in sorted(rows, key=lambda row: row.month):
        tokens = row.input_tokens + row.output_tokens
        totals[row.month] = totals.get(row.month, 0) + tokens
    highest = max(totals.values(), default=0) or 1
    bars = []
    for number, (month, tokens) in enumerate(totals.items()):
        height = round(tokens * _CHART_HEIGHT / highest)
        x = number * _BAR_STEP + (_BAR_STEP - _BAR_WIDTH) // 2
        bars.append(Bar(month, tokens, x, 20 + _CHART_HEIGHT - height, height))
    return bars
