"""Which weekly reports are due: from Monday morning on, in the organization's time zone.

``User.weekly_report_on`` is the Monday of the last report. A job sets it after the delivery, so a
report that a job has not delivered is requested again, and one that it has is not.
"""

from datetime import date, datetime, time, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from organizations.jobs.queue import enqueue
from organizations.models import Job, User
from organizations.tenancy.models import TenantQuerySet
from organizations.time_zones import get_time_zone
from webchats.conversations.reports.access import REPORT_ROLES

#: The job that sends one report to the user whose id is its key.
JOB_KIND: Final = "weekly_report"
SEND_AT: Final = time(7)
#: A report that could not be requested for so long, since no worker ran, is left out.
REQUESTED_WITHIN: Final = timedelta(days=2)
#: Reports that one call requests. The next call requests others.
_BATCH: Final = 1_000


def request_weekly_reports() -> None:
    """Request the reports that are due. Several workers may call it at the same time.

    Nothing is requested while no e-mail can be sent.
    """
    if not settings.EMAIL_ENABLED:
        return
    now = timezone.now()
    names = find_subscribers().order_by().values_list("organization__time_zone", flat=True)
    for name in names.distinct():
        monday = find_due_monday(name, now)
        if monday is not None:
            _request(name, monday)


def find_due_monday(time_zone: str, now: datetime) -> date | None:
    """Return the Monday whose report is due in the time zone, if there is one."""
    zone = get_time_zone(time_zone)
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    since = now - datetime.combine(monday, SEND_AT, zone)
    return monday if timedelta() <= since < REQUESTED_WITHIN else None


def find_subscribers() -> TenantQuerySet[User]:
    """Return the active members who have the report turned on and may read it."""
    members = User.objects.filter(is_active=True, access_role__in=REPORT_ROLES)
    return members.filter(gets_weekly_report=True, organization__isnull=False)


def is_unsent(monday: date) -> Q:
    """Return the condition for users who did not get this Monday's report yet."""
    return Q(weekly_report_on=None) | Q(weekly_report_on__lt=monday)


def _request(time_zone: str, monday: date) -> None:
    users = find_subscribers().filter(is_unsent(monday), organization__time_zone=time_zone)
    jobs = Job.objects.filter(kind=JOB_KIND, key=OuterRef("pk"))
    due = users.filter(~Exists(jobs)).order_by("pk")
    for pk, organization_id in due.values_list("pk", "organization_id")[:_BATCH]:
        payload = {"monday": monday.isoformat()}
        enqueue(JOB_KIND, key=pk, organization_id=str(organization_id), payload=payload)
