"""The delivery of an e-mail in a job. Meanwhile the job holds no database connection."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from smtplib import SMTPDataError, SMTPRecipientsRefused
from typing import Final

from django.core.mail import EmailMessage
from django.utils import timezone

from organizations.jobs.queue import RetryLater
from webchat_project.circuit_breaker import CircuitBreaker, CircuitOpen

logger = logging.getLogger("worker")

#: E-mails that a worker sends at a time. Jobs for others wait without a slot of the worker.
CONNECTIONS: Final = 4
BUSY_SECONDS: Final = 2
#: The delay of a retry: the time since the e-mail became due, between these.
MIN_DELAY: Final = 30
MAX_DELAY: Final = 900

#: Exceptions of the SMTP client are subclasses of ``OSError``.
breaker: Final = CircuitBreaker("email", OSError, seconds=MIN_DELAY, max_calls=CONNECTIONS)
_executor: Final = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="email")


class Postponed(Exception):
    """The mail server asks to send the message later, such as for greylisting."""

    def __init__(self, code: int) -> None:
        super().__init__(f"The mail server responds with {code}.")


async def deliver(email: EmailMessage, *, user_id: str, since: datetime) -> None:
    """Send the e-mail to the user. Raise ``RetryLater`` while the mail server is unavailable.

    The delays grow with the time since ``since``. A permanent refusal is logged.
    """
    try:
        with breaker.call():
            loop = asyncio.get_running_loop()
            refusal = await loop.run_in_executor(_executor, _send, email)
    except CircuitOpen:
        raise RetryLater(_delay(since) if breaker.is_open else BUSY_SECONDS) from None
    except (OSError, Postponed) as error:
        logger.warning("An e-mail is not delivered, and is sent again later: %s", error)
        raise RetryLater(_delay(since)) from error
    if refusal is not None:
        logger.error("The mail server refuses e-mails to the user %s: %d", user_id, refusal)


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


def _delay(since: datetime) -> float:
    age = (timezone.now() - since).total_seconds()
    return min(max(age, MIN_DELAY), MAX_DELAY)
