"""Budgets, parallel calls and figures of usage."""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from organizations.ai.errors import ErrorKind, ProviderError
from organizations.ai.events import EndReason, Usage
from organizations.ai.figures import usage_by_month
from organizations.ai.providers import Prices, ProviderSettings, get_settings, resolve_provider
from organizations.ai.results import record_error, record_ok
from organizations.ai.usage import (
    Reservation,
    reserve,
    settle,
    settle_abandoned,
)
from organizations.models import AiMonth, AiProvider, AiUsage, Prompt
from tests.support import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def provider() -> AiProvider:
    return factories.AiProviderFactory.create(
        monthly_token_budget=1000, max_parallel=2, input_price=2, output_price=10
    )


@pytest.fixture
def prompt(provider: AiProvider) -> Prompt:
    return factories.PromptFactory.create(organization=provider.organization, name="Orders")


def take(
    settings: ProviderSettings, prompt: Prompt, estimate: int = 100, **more: Any
) -> Reservation:
    return reserve(
        settings,
        organization_id=prompt.organization_id,
        prompt=prompt,
        prompt_version=1,
        purpose="reply",
        estimate=estimate,
        **more,
    )


def tokens_of_month() -> int:
    return AiMonth.objects.get().tokens


def refusal(settings: ProviderSettings, prompt: Prompt, estimate: int = 100) -> ErrorKind:
    with pytest.raises(ProviderError) as error:
        take(settings, prompt, estimate)
    return error.value.kind


def test_tokens_are_reserved_and_given_back(provider: AiProvider, prompt: Prompt) -> None:
    settings = get_settings(provider)
    reservation = take(settings, prompt, 900, reply_id="a" * 24)
    assert tokens_of_month() == 900
    assert refusal(settings, prompt, 101) == ErrorKind.BUDGET
    settle(reservation, Usage(300, 50), EndReason.STOP, 120, 900)
    assert tokens_of_month() == 350
    row = AiUsage.objects.get()
    assert (row.input_tokens, row.output_tokens, row.is_estimated) == (300, 50, False)
    assert (row.end_reason, row.first_token_ms, row.total_ms) == ("stop", 120, 900)
    assert row.cost == Decimal("0.0011")
    assert (row.reply_id, row.prompt, row.model) == ("a" * 24, prompt, "model-1")
    # All of it can be used, and no more.
    settle(take(settings, prompt, 650), Usage(600, 50), EndReason.STOP, 1, 1)
    assert refusal(settings, prompt, 1) == ErrorKind.BUDGET


def test_a_new_month_has_a_new_budget(provider: AiProvider, prompt: Prompt) -> None:
    settings = get_settings(provider)
    with time_machine.travel(datetime(2026, 11, 30, 23, 59, tzinfo=UTC), tick=False):
        late = take(settings, prompt, 1000)
        with pytest.raises(ProviderError, match="2026-12-01"):
            take(settings, prompt, 1)
    with time_machine.travel(datetime(2026, 12, 1, tzinfo=UTC), tick=False):
        take(settings, prompt, 1000)
        # A call belongs to the month in which it began.
        settle(late, Usage(10, 0), EndReason.STOP, 1, 1)
    assert [month.tokens for month in AiMonth.objects.order_by("month")] == [10, 1000]


def test_parallel_calls_are_limited(provider: AiProvider, prompt: Prompt) -> None:
    settings = get_settings(provider)
    first, _ = take(settings, prompt), take(settings, prompt)
    assert refusal(settings, prompt) == ErrorKind.BUSY
    settle(first, Usage(1, 1), EndReason.STOP, 1, 1)
    take(settings, prompt)
    assert refusal(settings, prompt) == ErrorKind.BUSY


@pytest.mark.django_db(transaction=True)
def test_simultaneous_calls_exceed_neither_limit(provider: AiProvider, prompt: Prompt) -> None:
    """Ten workers begin at once, each in the first call of the month."""
    refused: list[ErrorKind] = []

    def reserve_in_a_thread(settings: ProviderSettings) -> None:
        try:
            take(settings, prompt, 300)
        except ProviderError as error:
            refused.append(error.kind)
        finally:
            connection.close()

    for parallel, kind in ((2, ErrorKind.BUSY), (10, ErrorKind.BUDGET)):
        AiMonth.objects.all().delete()
        AiUsage.objects.all().delete()
        refused.clear()
        settings = replace(get_settings(provider), max_parallel=parallel)
        with ThreadPoolExecutor(10) as executor:
            list(executor.map(reserve_in_a_thread, 10 * [settings]))
        assert refused == (10 - min(parallel, 3)) * [kind]
        assert tokens_of_month() == 300 * min(parallel, 3)


@pytest.mark.parametrize(
    ("reason", "first_token_ms", "tokens"),
    [
        (ErrorKind.UNAUTHORIZED, None, 0),
        (ErrorKind.CONNECTION, None, 0),
        (ErrorKind.TIMEOUT, None, 100),
        (ErrorKind.CONNECTION, 50, 100),
        (ErrorKind.INCOMPLETE, 50, 100),
    ],
)
def test_a_call_without_usage_is_estimated_unless_it_was_refused(
    reason: ErrorKind,
    first_token_ms: int | None,
    tokens: int,
    provider: AiProvider,
    prompt: Prompt,
) -> None:
    settle(take(get_settings(provider), prompt), None, reason, first_token_ms, 60)
    row = AiUsage.objects.get()
    assert row.input_tokens + row.output_tokens == tokens_of_month() == tokens
    assert row.is_estimated == bool(tokens)


def test_the_call_of_a_dead_process_is_settled_as_estimated(
    provider: AiProvider, prompt: Prompt
) -> None:
    settings = get_settings(provider)
    reservation = take(settings, prompt)
    assert settle_abandoned() == 0
    with time_machine.travel(timezone.now() + timedelta(minutes=3)):
        # It does not occupy a place any more.
        take(settings, prompt)
        take(settings, prompt)
        assert settle_abandoned() == 1
        assert tokens_of_month() == 300
        # The process was only slow.
        settle(reservation, Usage(7, 3), EndReason.STOP, 1, 1)
    assert tokens_of_month() == 210
    assert AiUsage.objects.get(pk=reservation.usage_id).is_estimated is False


def test_many_tokens_in_a_month_are_counted(provider: AiProvider, prompt: Prompt) -> None:
    """Their number has more than 32 bits."""
    tokens = 2**31 - 1
    settle(take(get_settings(provider), prompt), Usage(tokens, tokens), EndReason.STOP, 1, 1)
    assert tokens_of_month() == 2 * tokens
    assert refusal(get_settings(provider), prompt) == ErrorKind.BUDGET


def test_usage_that_cannot_be_stored_is_estimated(
    provider: AiProvider, prompt: Prompt, caplog: pytest.LogCaptureFixture
) -> None:
    """A complete answer does not fail by it."""
    settle(take(get_settings(provider), prompt), Usage(-1000, 0), EndReason.STOP, 1, 1)
    row = AiUsage.objects.get()
    assert (row.end_reason, row.is_estimated, row.input_tokens) == ("stop", True, 100)
    assert tokens_of_month() == 100
    settle(Reservation("0" * 24, Prices()), Usage(1, 1), EndReason.STOP, 1, 1)
    assert "call 000000000000000000000000 was not stored" in caplog.text


def test_organizations_have_separate_budgets_at_the_deployments_provider(
    prompt: Prompt, settings: Any
) -> None:
    settings.AI_KIND, settings.AI_MODEL, settings.AI_MONTHLY_TOKENS = "openai", "m", 100
    other = factories.PromptFactory.create()
    from_deployment = resolve_provider(prompt)
    take(from_deployment, prompt)
    assert refusal(from_deployment, prompt, 1) == ErrorKind.BUDGET
    take(from_deployment, other)


def test_a_provider_that_is_deleted_during_a_call_leaves_the_budget_of_the_deployment(
    provider: AiProvider, prompt: Prompt
) -> None:
    deployment = AiMonth.objects.create(
        organization=provider.organization,
        provider_key="",
        month=timezone.now().date().replace(day=1),
        tokens=500,
    )
    reservation = take(get_settings(provider), prompt, 900)
    provider.delete()
    settle(reservation, Usage(1, 1), EndReason.STOP, 1, 1)
    deployment.refresh_from_db()
    assert deployment.tokens == 500


def test_an_unsaved_prompt_is_called_without_a_reference(
    provider: AiProvider, prompt: Prompt
) -> None:
    unsaved = Prompt(organization_id=prompt.organization_id, name="x", instructions="y")
    take(get_settings(provider), unsaved)
    assert AiUsage.objects.get().prompt is None


def test_results_are_recorded_and_errors_logged_once_an_hour(
    provider: AiProvider, caplog: pytest.LogCaptureFixture
) -> None:
    settings = get_settings(provider)
    version = provider.row_version
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            record_error(settings, ProviderError(ErrorKind.QUOTA, "No credit left."))
    assert caplog.text.count("No credit left.") == 1
    provider.refresh_from_db()
    assert provider.last_error == "No credit left."
    assert provider.has_failed
    record_ok(settings)
    provider.refresh_from_db()
    assert not provider.has_failed
    # A form that is open meanwhile has no conflict.
    assert provider.row_version == version


def test_an_error_is_stored_without_nul_and_surrogates(provider: AiProvider) -> None:
    record_error(get_settings(provider), ProviderError(ErrorKind.QUOTA, "A\ud800\0B"))
    provider.refresh_from_db()
    assert provider.last_error == "AB"


def test_figures_by_prompt_and_month(provider: AiProvider, prompt: Prompt) -> None:
    settings = get_settings(provider)
    for month, calls in ((10, 1), (11, 2)):
        with time_machine.travel(datetime(2026, month, 15, tzinfo=UTC), tick=False):
            for _ in range(calls):
                settle(take(settings, prompt), Usage(40, 10), EndReason.STOP, 1, 1)
    with time_machine.travel(datetime(2026, 11, 16, tzinfo=UTC), tick=False):
        settle(take(settings, prompt), None, ErrorKind.TIMEOUT, None, 1)
        take(settings, prompt)
    take(get_settings(factories.AiProviderFactory.create()), factories.PromptFactory.create())
    newest, older = usage_by_month(prompt.organization_id)
    assert (newest.month.month, newest.prompt_name, newest.calls) == (11, "Orders", 3)
    assert (newest.input_tokens, newest.output_tokens, newest.estimated_calls) == (180, 20, 1)
    assert newest.cost == Decimal("0.00056")
    assert (older.month.month, older.calls) == (10, 1)
    since = datetime(2026, 11, 1, tzinfo=UTC)
    assert usage_by_month(prompt.organization_id, prompt_id=prompt.pk, since=since) == [newest]
    assert usage_by_month(prompt.organization_id, prompt_id="0" * 24) == []


def test_deletion_of_a_provider_and_its_prompt_reads_no_usage(
    provider: AiProvider, prompt: Prompt
) -> None:
    settle(take(get_settings(provider), prompt), Usage(1, 1), EndReason.STOP, 1, 1)
    with CaptureQueriesContext(connection) as queries:
        prompt.delete()
        provider.delete()
    usage = AiUsage.objects.get()
    assert (usage.provider, usage.prompt) == (None, None)
    statements = [query["sql"] for query in queries if AiUsage._meta.db_table in query["sql"]]
    assert [statement.split()[0] for statement in statements] == ["UPDATE", "UPDATE"]
