"""The job that sends one e-mail to one user about visitors who wait."""

from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from organizations.jobs.database import run_query
from organizations.jobs.queue import ClaimedJob, RetryLater
from organizations.models import User
from webchats.conversations.notifications.delivery import deliver
from webchats.conversations.notifications.emails import Report, make_report
from webchats.conversations.notifications.unattended import find_subscribers, find_to_report

#: The least time between two e-mails to a user.
INTERVAL: Final = timedelta(minutes=5)


async def send_report(job: ClaimedJob) -> None:
    """Send the user ``job.key`` an e-mail about visitors who wait, if there are any.

    While the mail server is unavailable the job runs again, with growing delays.
    """
    report = await run_query(_load, job.key)
    if report is None:
        return
    await deliver(report.email, user_id=job.key, since=report.up_to)
    await run_query(_record, job.key, report.up_to)


def _load(user_id: str) -> Report | None:
    """Return the e-mail to send now. Raise ``RetryLater`` if the last one was just sent."""
    user = User.objects.select_related("organization").filter(pk=user_id).first()
    if user is None or not find_subscribers(str(user.organization_id)).filter(pk=user_id).exists():
        return None
    report = make_report(user, find_to_report(user))
    if report is not None and user.emailed_at is not None:
        seconds = (user.emailed_at + INTERVAL - timezone.now()).total_seconds()
        if seconds > 0:
            raise RetryLater(seconds)
    return report


def _record(user_id: str, up_to: datetime) -> None:
    User.objects.filter(pk=user_id).update(emailed_at=timezone.now(), emailed_up_to=up_to)
