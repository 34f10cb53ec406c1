"""Budgets and usage: one ``AiUsage`` row per call, created before it and settled after it.

Everything here uses the database and is synchronous.
"""

import logging
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import transaction
from django.db.models import BigIntegerField, F, QuerySet, Value
from django.utils import timezone

from organizations.ai.errors import ErrorKind, ProviderError
from organizations.ai.events import EndReason, Usage
from organizations.ai.providers import Prices, ProviderSettings
from organizations.models import AiMonth, AiUsage, Prompt
from organizations.models.ai_usage import Purpose

_logger: Final = logging.getLogger(__name__)

#: A call that has not been settled for this time longer than it may take has been abandoned.
_GRACE: Final = timedelta(seconds=60)
#: After such an error without a first token, the provider charges nothing.
_FREE_ERRORS: Final = frozenset(
    {
        ErrorKind.UNAUTHORIZED,
        ErrorKind.FORBIDDEN,
        ErrorKind.NOT_FOUND,
        ErrorKind.QUOTA,
        ErrorKind.CONTEXT_OVERFLOW,
        ErrorKind.RATE_LIMITED,
        ErrorKind.SERVER_ERROR,
        ErrorKind.CONNECTION,
        ErrorKind.MALFORMED,
        ErrorKind.REFUSED_ADDRESS,
    }
)
#: The columns that a settlement changes.
_SETTLED: Final = (
    *("input_tokens", "output_tokens", "is_estimated", "cost", "end_reason"),
    *("first_token_ms", "total_ms", "settled_at", "updated_at"),
)
_MILLION: Final = Decimal(1_000_000)


@dataclass(frozen=True)
class Reservation:
    """A call whose tokens are reserved. ``settle`` ends it."""

    usage_id: str
    prices: Prices


@transaction.atomic
def reserve(
    settings: ProviderSettings,
    *,
    organization_id: str,
    prompt: Prompt | None,
    prompt_version: int,
    purpose: Purpose | str,
    estimate: int,
    reply_id: str = "",
) -> Reservation:
    """Reserve ``estimate`` tokens for a call, and return the reservation.

    Raise ``ProviderError`` ``budget`` if fewer are left of the month's budget, and ``busy`` if the
    organization already has ``max_parallel`` calls of this provider in all processes.
    """
    now = timezone.now()
    _reserve_tokens(settings, organization_id, estimate, now.date())
    if is_busy(settings, organization_id):
        message = f"{settings.name} already has {settings.max_parallel} calls at a time."
        raise ProviderError(ErrorKind.BUSY, message, retry_after=1)
    usage = AiUsage.objects.create(
        organization_id=organization_id,
        provider_id=settings.id,
        provider_key=settings.id or "",
        provider_name=settings.name,
        model=settings.model,
        # The playground runs prompts that are not stored.
        prompt=prompt if prompt is not None and not prompt._state.adding else None,
        prompt_version=prompt_version,
        purpose=purpose,
        reply_id=reply_id,
        estimate=estimate,
        expires_at=now + timedelta(seconds=settings.total_seconds) + _GRACE,
    )
    return Reservation(usage.pk, settings.prices)


def is_busy(settings: ProviderSettings, organization_id: str) -> bool:
    """Return whether the organization has ``max_parallel`` calls of this provider."""
    if settings.is_builtin:
        return False
    running = AiUsage.objects.for_organization(organization_id).filter(
        provider_id=settings.id, settled_at=None, expires_at__gt=timezone.now()
    )
    return running.count() >= settings.max_parallel


def settle(
    reservation: Reservation,
    usage: Usage | None,
    end_reason: EndReason | ErrorKind,
    first_token_ms: int | None,
    total_ms: int,
) -> None:
    """Store how a call ended, and give the tokens back that it did not use.

    Without ``usage``, as after an error, the tokens are those that were reserved, marked as
    estimated; none, if the provider refused the call. Log every failure: the call has ended all the
    same. A call that could not be settled is settled later as abandoned.
    """
    for stored in (None,) if usage is None else (usage, None):
        try:
            _settle(reservation, stored, end_reason, first_token_ms, total_ms)
        except Exception:
            _logger.exception("The usage of call %s was not stored", reservation.usage_id)
        else:
            return


def _settle(
    reservation: Reservation,
    usage: Usage | None,
    end_reason: EndReason | ErrorKind,
    first_token_ms: int | None,
    total_ms: int,
) -> None:
    with transaction.atomic():
        row = AiUsage.objects.select_for_update(of=("self",), no_key=True).get(
            pk=reservation.usage_id
        )
        if usage is None:
            is_free = end_reason in _FREE_ERRORS and first_token_ms is None
            usage = Usage(0 if is_free else row.estimate, 0, is_estimated=not is_free)
        row.first_token_ms, row.total_ms = first_token_ms, total_ms
        _settle_row(row, usage, end_reason, reservation.prices)


def settle_abandoned() -> int:
    """Settle the calls whose process has died, as estimated. Return their number."""
    return _settle_estimated(AiUsage.objects.filter(expires_at__lt=timezone.now()))


def settle_replies(organization_id: str, reply_ids: "QuerySet[Any, str]") -> int:
    """Settle the calls of replies whose job has ended, as estimated. Return their number.

    Otherwise the calls of a process that has died would count against ``max_parallel`` until
    ``settle_abandoned`` settles them.
    """
    usage = AiUsage.objects.for_organization(organization_id)
    return _settle_estimated(usage.filter(reply_id__in=reply_ids))


@transaction.atomic
def _settle_estimated(usage: "QuerySet[AiUsage]") -> int:
    unsettled = usage.filter(settled_at=None)
    rows = unsettled.select_for_update(of=("self",), no_key=True, skip_locked=True)
    settled = 0
    for row in rows.order_by("pk")[:100]:
        tokens = Usage(row.estimate, 0, is_estimated=True)
        _settle_row(row, tokens, ErrorKind.INCOMPLETE, Prices())
        settled += 1
    return settled


def _reserve_tokens(
    settings: ProviderSettings, organization_id: str, estimate: int, today: date
) -> None:
    """Add tokens to the month, whose row is then locked. Raise ``budget`` if too few are left."""
    key: dict[str, Any] = {
        "organization_id": organization_id,
        "provider_key": settings.id or "",
        "month": today.replace(day=1),
    }
    budget = settings.monthly_token_budget
    within = {} if budget is None else {"tokens__lte": budget - estimate}
    if _add_tokens(AiMonth.objects.filter(**key, **within), estimate):
        return
    # The first call of the month, or one above the budget.
    month, _ = AiMonth.objects.select_for_update(no_key=True).get_or_create(**key)
    _require_budget(settings, month.tokens + estimate, today)
    _add_tokens(AiMonth.objects.filter(**key), estimate)


def _add_tokens(months: QuerySet[AiMonth], tokens: int) -> int:
    # With the type: PostgreSQL's driver would send an integer of 32 bits, and drop the others.
    return months.update(tokens=F("tokens") + Value(tokens, BigIntegerField()))


def _require_budget(settings: ProviderSettings, tokens: int, today: date) -> None:
    budget = settings.monthly_token_budget
    if budget is not None and tokens > budget:
        days = monthrange(today.year, today.month)[1]
        next_month = today.replace(day=1) + timedelta(days=days)
        raise ProviderError(
            ErrorKind.BUDGET,
            f"The monthly budget of {budget:,} tokens of {settings.name} is spent. Raise it, or "
            f"wait until {next_month:%Y-%m-%d}.",
        )


def _settle_row(
    row: AiUsage, usage: Usage, end_reason: EndReason | ErrorKind, prices: Prices
) -> None:
    """Settle a locked row. A later settlement replaces an estimated one."""
    is_settled = row.settled_at is not None
    counted = row.input_tokens + row.output_tokens if is_settled else row.estimate
    row.input_tokens, row.output_tokens = usage.input_tokens, usage.output_tokens
    row.is_estimated = usage.is_estimated
    row.end_reason = end_reason
    row.cost = _cost(usage, prices)
    row.settled_at = timezone.now()
    row.save(update_fields=_SETTLED)
    difference = usage.input_tokens + usage.output_tokens - counted
    if difference:
        months = AiMonth.objects.filter(
            organization_id=row.organization_id,
            provider_key=row.provider_key,
            month=_month_of(row.created_at),
        )
        _add_tokens(months, difference)


def _month_of(created_at: datetime) -> date:
    return created_at.date().replace(day=1)


def _cost(usage: Usage, prices: Prices) -> Decimal | None:
    if prices.input is None or prices.output is None:
        return None
    tokens = usage.input_tokens * prices.input + usage.output_tokens * prices.output
    return tokens / _MILLION
