"""The job that sends one e-mail to one user. Meanwhile it holds no database connection."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from smtplib import SMTPDataError, SMTPRecipientsRefused
from typing import Final

from django.core.mail import EmailMessage
from django.utils import timezone

from organizations.jobs.database import run_query
from organizations.jobs.queue import ClaimedJob, RetryLater
from organizations.models import User
from webchat_project.circuit_breaker import CircuitBreaker, CircuitOpen
from webchats.conversations.notifications.emails import Report, make_report
from webchats.conversations.notifications.unattended import find_subscribers, find_to_report

logger = logging.getLogger("worker")

#: The least time between two e-mails to a user.
INTERVAL: Final = timedelta(minutes=5)
#: E-mails that a worker sends at a time. Jobs for others wait without a slot of the worker.
CONNECTIONS: Final = 4
BUSY_SECONDS: Final = 2
#: The delay of a retry: the age of the report, between these.
MIN_DELAY: Final = 30
MAX_DELAY: Final = 900

#: Exceptions of the SMTP client are subclasses of ``OSError``.
breaker: Final = CircuitBreaker("email", OSError, seconds=MIN_DELAY, max_calls=CONNECTIONS)
_executor: Final = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="email")


class Postponed(Exception):
    """The mail server asks to send the message later, such as for greylisting."""

    def __init__(self, code: int) -> None:
        super().__init__(f"The mail server responds with {code}.")


async def send_report(job: ClaimedJob) -> None:
    """Send the user ``job.key`` an e-mail about visitors who wait, if there are any.

    While the mail server is unavailable the job runs again, with growing delays.
    """
    report = await run_query(_load, job.key)
    if report is None:
        return
    try:
        with breaker.call():
            loop = asyncio.get_running_loop()
            refusal = await loop.run_in_executor(_executor, _send, report.email)
    except CircuitOpen:
        raise RetryLater(_delay(report) if breaker.is_open else BUSY_SECONDS) from None
    except (OSError, Postponed) as error:
        logger.warning("An e-mail is not delivered, and is sent again later: %s", error)
        raise RetryLater(_delay(report)) from error
    if refusal is not None:
        logger.error("The mail server refuses e-mails to the user %s: %d", job.key, refusal)
    await run_query(_record, job.key, report.up_to)


def _load(user_id: str) -> Report | None:
    """Return what is to be sent now. Raise ``RetryLater`` if the last e-mail was just sent."""
    user = User.objects.select_related("organization").filter(pk=user_id).first()
    if user is None or not find_subscribers(str(user.organization_id)).filter(pk=user_id).exists():
        return None
    report = make_report(user, find_to_report(user))
    if report is not None and user.emailed_at is not None:
        seconds = (user.emailed_at + INTERVAL - timezone.now()).total_seconds()
        if seconds > 0:
            raise RetryLater(seconds)
    return report


def _send(email: EmailMessage) -> int | None:
    """Send the message. Return the reply code of a permanent refusal, which no retry changes.

    Raise ``Postponed`` for a reply such as 450 (RFC 5321, section 4.2.1). Replies have addresses,
    so they are not logged.
    """
    try:
        email.send()
    except SMTPRecipientsRefused as error:
        code = next(iter(error.recipients.values()))[0]
    except SMTPDataError as error:
        code = error.smtp_code
    else:
        return None
    if code < 500:
        raise Postponed(code)
    return code


def _record(user_id: str, up_to: datetime) -> None:
    User.objects.filter(pk=user_id).update(emailed_at=timezone.now(), emailed_up_to=up_to)


def _delay(report: Report) -> float:
    age = (timezone.now() - report.up_to).total_seconds()
    return min(max(age, MIN_DELAY), MAX_DELAY)
