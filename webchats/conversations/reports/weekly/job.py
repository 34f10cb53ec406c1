"""The job that sends the report of last week to one user."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.core.mail import EmailMultiAlternatives

from organizations.jobs.database import run_query, run_slow_query
from organizations.jobs.queue import ClaimedJob
from organizations.models import User
from organizations.time_zones import get_time_zone
from webchats.conversations.notifications.delivery import deliver
from webchats.conversations.reports.loading import load_summary
from webchats.conversations.reports.periods import Period
from webchats.conversations.reports.weekly.due import SEND_AT, find_subscribers, is_unsent
from webchats.conversations.reports.weekly.email import make_email


class _Prepared(NamedTuple):
    email: EmailMultiAlternatives
    due_at: datetime


async def send_weekly_report(job: ClaimedJob) -> None:
    """Send the user ``job.key`` the report, unless it was sent or the user may not get it.

    While the mail server is unavailable the job runs again, with growing delays.
    """
    monday = date.fromisoformat(job.payload["monday"])
    prepared = await run_slow_query(_prepare, job.key, monday)
    if prepared is None:
        return
    await deliver(prepared.email, user_id=job.key, since=prepared.due_at)
    await run_query(_record, job.key, monday)


def _prepare(user_id: str, monday: date) -> _Prepared | None:
    users = find_subscribers().filter(is_unsent(monday)).select_related("organization")
    user = users.filter(pk=user_id).first()
    if user is None or user.organization is None:
        return None
    zone = get_time_zone(user.organization.time_zone)
    week = Period(monday - timedelta(days=7), monday - timedelta(days=1), zone)
    report = load_summary(user.organization, week)
    before = load_summary(user.organization, week.before)
    due_at = datetime.combine(monday, SEND_AT, zone)
    return _Prepared(make_email(user, user.organization, report, before), due_at)


def _record(user_id: str, monday: date) -> None:
    User.objects.filter(is_unsent(monday), pk=user_id).update(weekly_report_on=monday)
