"""Reading of a report: a few grouped queries, whose results do not grow with the conversations."""

from collections import Counter
from dataclasses import fields
from typing import Any

from django.utils import timezone

from organizations.models import Organization
from webchats.conversations.reports.counts import count_all, divide
from webchats.conversations.reports.figures import (
    AiFigures,
    DayBar,
    DraftFigures,
    FirstReplies,
    PromptUsage,
    Report,
    Resolution,
    Summary,
    Volume,
    Waiting,
)
from webchats.conversations.reports.filters import ReportFilter
from webchats.conversations.reports.groups import (
    DURATIONS,
    SLOT,
    VOLUME,
    Groups,
    count_groups,
)
from webchats.conversations.reports.histograms import summarize
from webchats.conversations.reports.periods import Period
from webchats.conversations.reports.planning import planned_for_reports
from webchats.conversations.reports.prompt_usage import load_usage
from webchats.conversations.reports.ratings import summarize_ratings
from webchats.conversations.reports.sources import Sources
from webchats.conversations.reports.volume import count_days, load_volume


def load_report(
    organization: Organization, period: Period, report_filter: ReportFilter | None = None
) -> Report:
    """Return all figures of the organization's conversations in the period.

    For the period before, call ``load_summary`` with ``period.before``.
    """
    sources = Sources(organization, period, report_filter or ReportFilter())
    with planned_for_reports():
        groups = count_groups(sources, *DURATIONS, SLOT, VOLUME)
        return Report(
            **_fields(_summarize(sources, groups)),
            volume=load_volume(period, groups),
            prompt_usage=load_usage(organization, period, sources.filter),
        )


def load_summary(
    organization: Organization, period: Period, report_filter: ReportFilter | None = None
) -> Summary:
    """Return the figures without the bars."""
    sources = Sources(organization, period, report_filter or ReportFilter())
    with planned_for_reports():
        return _summarize(sources, count_groups(sources, *DURATIONS))


def load_summary_and_days(
    organization: Organization, period: Period, report_filter: ReportFilter
) -> tuple[Summary, list[DayBar]]:
    """Return the figures, and the bars of the days."""
    sources = Sources(organization, period, report_filter)
    with planned_for_reports():
        groups = count_groups(sources, *DURATIONS, SLOT)
        return _summarize(sources, groups), count_days(period, groups[SLOT])


def load_bars(
    organization: Organization, period: Period, report_filter: ReportFilter
) -> tuple[Volume, list[PromptUsage]]:
    """Return the part of a report that is not in its summary."""
    sources = Sources(organization, period, report_filter)
    with planned_for_reports():
        volume = load_volume(period, count_groups(sources, SLOT, VOLUME))
        return volume, load_usage(organization, period, report_filter)


def _summarize(sources: Sources, groups: Groups) -> Summary:
    now = timezone.now()
    counted = count_all(sources, groups, now)
    counts = counted.by_key
    return Summary(
        period=sources.period,
        filter=sources.filter,
        loaded_at=now,
        conversations=counts["conversations"],
        retained=counts["retained"],
        first_replies=_first_replies(groups, counts),
        waiting=_waiting(groups, counts),
        resolution=_resolution(groups, counts),
        ai=_ai(counts),
        drafts=_drafts(counts),
        ratings=summarize_ratings(counted),
    )


# Any: the fields have different types.
def _fields(summary: Summary) -> dict[str, Any]:
    return {field.name: getattr(summary, field.name) for field in fields(summary)}


def _first_replies(groups: Groups, counts: Counter[str]) -> FirstReplies:
    return FirstReplies(
        reply=summarize(groups["reply_seconds"]),
        without_answer=counts["without_answer"],
        rep_reply=summarize(groups["rep_reply_seconds"]),
        without_rep_reply=counts["without_rep_reply"],
    )


def _waiting(groups: Groups, counts: Counter[str]) -> Waiting:
    return Waiting(
        wait_count=counts["sum_wait_count"],
        mean=divide(counts["sum_wait_seconds"], counts["sum_wait_count"]),
        longest=summarize(groups["longest_wait_seconds"]),
        unanswered=counts["unanswered"],
    )


def _resolution(groups: Groups, counts: Counter[str]) -> Resolution:
    return Resolution(
        resolved=summarize(groups["resolution_seconds"]),
        unresolved=counts["unresolved"],
        reopened=counts["reopened"],
        reopen_rate=divide(counts["reopened"], counts["closed_once"]),
    )


def _ai(counts: Counter[str]) -> AiFigures:
    with_ai = counts["with_ai"]
    return AiFigures(
        with_ai=with_ai,
        ai_confirmed=counts["ai_confirmed"],
        confirmed_rate=divide(counts["ai_confirmed"], with_ai),
        ai_assumed=counts["ai_assumed"],
        assumed_rate=divide(counts["ai_assumed"], with_ai),
        handed_over=counts["handed_over"],
        hand_over_rate=divide(counts["handed_over"], with_ai),
        asked_for_person=counts["asked_for_person"],
    )


def _drafts(counts: Counter[str]) -> DraftFigures:
    sent, edited = counts["sum_drafts_sent"], counts["sum_drafts_edited"]
    rejected = counts["sum_drafts_rejected"]
    return DraftFigures(
        drafts_sent=sent,
        drafts_edited=edited,
        drafts_rejected=rejected,
        drafts_superseded=counts["sum_drafts_superseded"],
        acceptance=divide(sent, sent + edited + rejected),
        edited_words=counts["sum_edited_words"],
        changed_words=counts["sum_changed_words"],
        edit_size=divide(counts["sum_changed_words"], counts["sum_edited_words"]),
    )
