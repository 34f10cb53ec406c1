"""Reading of a report: a few grouped queries, whose results do not grow with the conversations."""

from collections import Counter
from dataclasses import fields
from typing import Any

from django.utils import timezone

from organizations.models import Organization
from webchats.conversations.reports.counts import count_all, divide
from webchats.conversations.reports.figures import (
    AiFigures,
    DraftFigures,
    FirstReplies,
    Report,
    Resolution,
    Summary,
    Waiting,
)
from webchats.conversations.reports.filters import ReportFilter
from webchats.conversations.reports.histograms import load_durations
from webchats.conversations.reports.periods import Period
from webchats.conversations.reports.prompt_usage import load_usage
from webchats.conversations.reports.ratings import load_ratings
from webchats.conversations.reports.sources import Sources
from webchats.conversations.reports.volume import load_volume


def load_report(
    organization: Organization, period: Period, report_filter: ReportFilter | None = None
) -> Report:
    """Return all figures of the organization's conversations in the period.

    For the period before, call ``load_summary`` with ``period.before``.
    """
    summary = load_summary(organization, period, report_filter)
    volume = load_volume(Sources(organization, period, summary.filter))
    usage = load_usage(organization, period, summary.filter)
    return Report(**_fields(summary), volume=volume, prompt_usage=usage)


def load_summary(
    organization: Organization, period: Period, report_filter: ReportFilter | None = None
) -> Summary:
    """Return the figures without the bars."""
    now = timezone.now()
    report_filter = report_filter or ReportFilter()
    sources = Sources(organization, period, report_filter)
    counts = count_all(sources, now)
    return Summary(
        period=period,
        filter=report_filter,
        loaded_at=now,
        conversations=counts["conversations"],
        retained=counts["retained"],
        first_replies=_first_replies(sources, counts),
        waiting=_waiting(sources, counts),
        resolution=_resolution(sources, counts),
        ai=_ai(counts),
        drafts=_drafts(counts),
        ratings=load_ratings(sources, counts),
    )


# Any: the fields have different types.
def _fields(summary: Summary) -> dict[str, Any]:
    return {field.name: getattr(summary, field.name) for field in fields(summary)}


def _first_replies(sources: Sources, counts: Counter[str]) -> FirstReplies:
    return FirstReplies(
        reply=load_durations(sources, "reply_seconds"),
        without_answer=counts["without_answer"],
        rep_reply=load_durations(sources, "rep_reply_seconds"),
        without_rep_reply=counts["without_rep_reply"],
    )


def _waiting(sources: Sources, counts: Counter[str]) -> Waiting:
    return Waiting(
        wait_count=counts["sum_wait_count"],
        mean=divide(counts["sum_wait_seconds"], counts["sum_wait_count"]),
        longest=load_durations(sources, "longest_wait_seconds"),
        unanswered=counts["unanswered"],
    )


def _resolution(sources: Sources, counts: Counter[str]) -> Resolution:
    return Resolution(
        resolved=load_durations(sources, "resolution_seconds"),
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
