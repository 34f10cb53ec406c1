"""The figures of reports, compared with a recount in Python."""

from collections import Counter
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from organizations.models import AiUsage, Organization, User
from tests.support import factories
from tests.webchats.conversations.reports.fact_rows import (
    START,
    create_rows,
    create_webchats,
    percentile,
    recount,
)
from webchats.conversations.models import Conversation, RetainedConversation
from webchats.conversations.reports import (
    Period,
    Report,
    ReportFilter,
    find_conversations,
    load_report,
)

pytestmark = [pytest.mark.django_db, pytest.mark.database]

NOW = datetime(2030, 10, 30, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
TOKYO = ZoneInfo("Asia/Tokyo")
KOLKATA = ZoneInfo("Asia/Kolkata")


def bars_of(report: Report) -> dict[str, int]:
    """Return every number of conversations of a report by its key."""
    volume = report.volume
    hours = [bar for day in volume.hours for bar in day]
    bars = (*volume.days, *hours, *volume.webchats, *volume.reps, *volume.prompts)
    counts = {bar.key: bar.count for bar in bars}
    for group in (report.ratings.all, report.ratings.ai_only, report.ratings.with_rep):
        counts |= {f"{group.key}={score}": n for score, n in group.distribution.items()}
    return counts | {
        "conversations": report.conversations,
        "first_reply": report.first_replies.reply.count,
        "without_answer": report.first_replies.without_answer,
        "rep_reply": report.first_replies.rep_reply.count,
        "without_rep_reply": report.first_replies.without_rep_reply,
        "waits": report.waiting.longest.count,
        "unanswered": report.waiting.unanswered,
        "resolved": report.resolution.resolved.count,
        "unresolved": report.resolution.unresolved,
        "reopened": report.resolution.reopened,
        "with_ai": report.ai.with_ai,
        "ai_confirmed": report.ai.ai_confirmed,
        "ai_assumed": report.ai.ai_assumed,
        "handed_over": report.ai.handed_over,
        "asked_for_person": report.ai.asked_for_person,
        "surveyed": report.ratings.surveyed,
        "rated": report.ratings.rated,
    }


def in_period(rows: list[Any], period: Period) -> list[Any]:
    days = (row.first_message_at.astimezone(period.zone).date() for row in rows)
    pairs = zip(days, rows, strict=True)
    return [row for day, row in pairs if period.first <= day <= period.last]


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 2**32),
    zone=st.sampled_from([UTC, BERLIN, TOKYO, KOLKATA]),
    days=st.integers(1, 4),
)
def test_report_equals_a_recount(seed: int, zone: Any, days: int) -> None:
    random = Random(seed)
    organization = factories.OrganizationFactory.create()
    webchats = create_webchats(organization)
    prompts = factories.PromptFactory.create_batch(2, organization=organization)
    period = Period(date(2030, 10, 26), date(2030, 10, 25) + timedelta(days=days), zone)
    rows = in_period(create_rows(random, webchats, prompts, 60), period)
    with time_machine.travel(NOW, tick=False):
        report = load_report(organization, period)
        counts, durations = recount(rows, zone, NOW)
        bars = bars_of(report)
        assert {key: number for key, number in bars.items() if number} == counts
        for key in [*random.sample(sorted(bars), 15), "conversations", "ai_assumed"]:
            listed = find_conversations(organization, period, ReportFilter(), key)
            assert len(listed.rows) + listed.retained == bars[key], key
    figures = {
        "reply_seconds": report.first_replies.reply,
        "rep_reply_seconds": report.first_replies.rep_reply,
        "longest_wait_seconds": report.waiting.longest,
        "resolution_seconds": report.resolution.resolved,
    }
    for column, found in figures.items():
        values = durations[column]
        expected = (len(values), percentile(values, 50), percentile(values, 90))
        assert (found.count, found.median, found.percentile_90) == expected
    sums = Counter[str]()
    for row in rows:
        for name in ("sent", "edited", "rejected", "superseded"):
            sums[f"drafts_{name}"] += getattr(row, f"drafts_{name}")
        sums["edited_words"] += row.edited_words
        sums["changed_words"] += row.changed_words
    assert Counter(asdict(report.drafts)) & sums == +sums
    assert report.waiting.wait_count == sum(row.wait_count for row in rows)
    closed_once = sum(row.resolution_seconds is not None or row.reopen_count > 0 for row in rows)
    if closed_once:
        assert report.resolution.reopen_rate == counts["reopened"] / closed_once


def add(organization: Organization, moment: datetime, **facts: Any) -> RetainedConversation:
    return RetainedConversation.objects.create(
        organization=organization, first_message_at=moment, last_message_at=moment, **facts
    )


def test_a_day_is_one_of_the_time_zone(organization: Organization) -> None:
    add(organization, datetime(2030, 5, 1, 23, 30, tzinfo=UTC))
    day = date(2030, 5, 2)
    volume = load_report(organization, Period(day, day, TOKYO)).volume
    assert [(bar.key, bar.count) for bar in volume.days] == [("day=2030-05-02", 1)]
    # A Thursday.
    assert volume.hours[3][8].count == 1
    assert load_report(organization, Period(day, day, UTC)).conversations == 0


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2030, 3, 31), 23), (date(2030, 10, 27), 25), (date(2030, 6, 1), 24)]
)
def test_a_day_of_another_length_has_all_its_hours(
    organization: Organization, day: date, hours: int
) -> None:
    period = Period(day, day, BERLIN)
    assert period.end - period.start == timedelta(hours=hours)
    moment = period.start
    while moment < period.end:
        add(organization, moment)
        moment += timedelta(hours=1)
    report = load_report(organization, period)
    assert report.volume.days[0].count == hours
    of_day = report.volume.hours[day.isoweekday() - 1]
    assert {bar.count for bar in of_day} == {1, hours - 24 + 1}
    for bar in of_day:
        found = find_conversations(organization, period, ReportFilter(), bar.key)
        assert found.retained == bar.count


def test_a_day_whose_midnight_is_skipped_begins_later() -> None:
    # Clocks were set from 0:00 to 1:00.
    zone = ZoneInfo("America/Sao_Paulo")
    period = Period(date(2018, 11, 4), date(2018, 11, 4), zone)
    assert period.start == datetime(2018, 11, 4, 3, tzinfo=UTC)
    assert period.end - period.start == timedelta(hours=23)
    assert period.before.end == period.start


@pytest.mark.parametrize(
    ("first", "last"), [(date(2030, 1, 2), date(2030, 1, 1)), (date(2029, 1, 1), date(2030, 1, 2))]
)
def test_a_period_has_between_one_day_and_a_leap_year(first: date, last: date) -> None:
    with pytest.raises(ValueError, match="period"):
        Period(first, last, UTC)


def test_filters_select_conversations(organization: Organization) -> None:
    webchat = create_webchats(organization)[0]
    prompt = factories.PromptFactory.create(organization=organization)
    facts = {
        "webchat": webchat,
        "answered_by": webchat.user,
        "ai_prompt": prompt,
        "ai_prompt_version": 2,
    }
    for name in ("", *facts):
        add(organization, START, **{key: value for key, value in facts.items() if key != name})
    period = Period(START.date(), START.date(), UTC)
    for chosen in (
        ReportFilter(webchat_id=webchat.pk),
        ReportFilter(rep_id=webchat.user_id),
        ReportFilter(prompt_id=prompt.pk),
        ReportFilter(prompt_version=2),
    ):
        assert load_report(organization, period, chosen).conversations == 4
    chosen = ReportFilter(webchat.pk, webchat.user_id, prompt.pk, 2)
    assert load_report(organization, period, chosen).conversations == 1


def test_report_has_no_conversations_of_others(
    organization: Organization, other_admin: User
) -> None:
    assert other_admin.organization is not None
    add(other_admin.organization, START)
    report = load_report(organization, Period(START.date(), START.date(), UTC))
    assert not any(bars_of(report).values())


def test_mean_needs_ten_ratings(organization: Organization) -> None:
    period = Period(START.date(), START.date(), UTC)
    for _ in range(9):
        add(organization, START, rating_score=5, is_surveyed=True)
    assert load_report(organization, period).ratings.all.mean is None
    add(organization, START, rating_score=4, is_surveyed=True)
    add(organization, START, is_surveyed=True)
    ratings = load_report(organization, period).ratings
    assert (ratings.all.mean, ratings.response_rate) == (4.9, 10 / 11)


def test_usage_is_counted_by_prompt_version_and_time_of_the_call(
    organization: Organization,
) -> None:
    prompt = factories.PromptFactory.create(organization=organization, name="Support")
    for version, cost, moment in ((1, "0.5", START), (2, None, START), (1, "1", NOW)):
        with time_machine.travel(moment):
            AiUsage.objects.create(
                organization=organization,
                prompt=prompt,
                prompt_version=version,
                provider_name="Model",
                model="small",
                purpose="reply",
                estimate=9,
                input_tokens=100 * version,
                output_tokens=10,
                is_estimated=version == 2,
                cost=cost,
                expires_at=NOW,
            )
    found = load_report(organization, Period(START.date(), START.date(), UTC)).prompt_usage
    rows = [(row.version, row.calls, row.input_tokens, row.estimated, row.cost) for row in found]
    assert rows == [(2, 1, 200, 1, None), (1, 1, 100, 0, 0.5)]
    assert {row.name for row in found} == {"Support"}


def test_number_of_queries_does_not_depend_on_the_conversations(
    organization: Organization,
) -> None:
    webchats = create_webchats(organization)
    period = Period(START.date(), START.date() + timedelta(days=4), BERLIN)

    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            load_report(organization, period)
        return len(queries)

    create_rows(Random(1), webchats, [], 3)
    before = count()
    Conversation.objects.all().delete()
    create_rows(Random(2), webchats, [], 90)
    assert count() == before
