"""The report of last week by e-mail, delivered to an SMTP server."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from organizations.jobs import queue
from organizations.jobs.database import run_query
from organizations.jobs.execution import run_job
from organizations.models import Job, Organization, User
from tests.support import event_loops, factories
from tests.support.mail_server import MailServer, find_free_port, running_mail_server
from tests.support.report_data import create_conversations
from webchats.conversations.notifications.delivery import breaker
from webchats.conversations.reports.weekly.due import (
    JOB_KIND,
    find_due_monday,
    request_weekly_reports,
)

pytestmark = pytest.mark.django_db(transaction=True)

#: A Monday. Clocks in Berlin are two hours before UTC.
MONDAY = date(2030, 5, 13)
SEVEN_IN_BERLIN = datetime(2030, 5, 13, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def port() -> int:
    """The port of the mail server."""
    return find_free_port()


@pytest.fixture(scope="module")
def running(port: int) -> Iterator[MailServer]:
    """A mail server for the tests of this module."""
    with running_mail_server(port) as server:
        yield server


@pytest.fixture
def mail_server(running: MailServer, settings: Settings, port: int) -> MailServer:
    """The mail server, without messages and refusals."""
    settings.EMAIL_ENABLED = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 5
    settings.BASE_URL = "https://chat.example.com"
    breaker.reset()
    running.take()
    running.replies.clear()
    return running


@pytest.fixture
def subscriber(admin: User) -> User:
    """``admin``, who gets the report, of an organization in Berlin."""
    Organization.objects.filter(pk=admin.organization_id).update(time_zone="Europe/Berlin")
    User.objects.filter(pk=admin.pk).update(gets_weekly_report=True)
    admin.refresh_from_db()
    return admin


def run_due_jobs() -> None:
    async def run() -> None:
        for job in await run_query(queue.claim, [JOB_KIND], 100):
            await run_job(job)

    event_loops.run(run())


def work(now: datetime) -> None:
    """Do what the worker does at this time."""
    with time_machine.travel(now, tick=False):
        request_weekly_reports()
        run_due_jobs()


def test_report_of_last_week_is_sent_on_monday_at_seven_in_the_organizations_time_zone(
    mail_server: MailServer, subscriber: User
) -> None:
    prompt = factories.PromptFactory.create(organization=subscriber.organization)
    webchat = factories.WebchatFactory.create(user=subscriber, prompt=prompt)
    begin = datetime(2030, 5, 5, 22, tzinfo=UTC)
    create_conversations([webchat], [subscriber], prompt, first=begin, days=7, count=5)
    week_before = begin - timedelta(days=7)
    create_conversations(
        [webchat], [subscriber], prompt, first=week_before, days=7, count=3, seed=2
    )
    work(SEVEN_IN_BERLIN - timedelta(seconds=1))
    assert mail_server.take() == []
    work(SEVEN_IN_BERLIN)
    (message,) = mail_server.take()
    assert message["To"] == subscriber.email
    assert message["Subject"] == f"Last week at {subscriber.organization}: 5 conversations"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == f"<report.{subscriber.pk}.20300512@chat.example.com>"
    plain, html = (part.get_content().replace("\r\n", "\n") for part in message.iter_parts())
    for text in (
        "6–12 May 2030, compared with 29 April – 5 May 2030 (days in Europe/Berlin)",
        "\nConversations: 5\nUp from 3\n",
        "\nFirst reply (median): ",
        "\nhttps://chat.example.com/admin/reports/?from=2030-05-06&to=2030-05-12\n",
    ):
        assert text in plain
    assert "Up from 3" in html
    assert plain.count("None") == html.count("None") == 0


def test_report_is_sent_once_in_a_week(mail_server: MailServer, subscriber: User) -> None:
    for hours in (0, 1, 24):
        work(SEVEN_IN_BERLIN + timedelta(hours=hours))
    assert len(mail_server.take()) == 1
    # Another worker has read the users before the delivery.
    payload = {"monday": MONDAY.isoformat()}
    organization_id = str(subscriber.organization_id)
    queue.enqueue(JOB_KIND, key=subscriber.pk, organization_id=organization_id, payload=payload)
    with time_machine.travel(SEVEN_IN_BERLIN + timedelta(hours=30), tick=False):
        Job.objects.update(run_at=SEVEN_IN_BERLIN)
        run_due_jobs()
    assert (mail_server.take(), Job.objects.count()) == ([], 0)
    work(SEVEN_IN_BERLIN + timedelta(days=7))
    assert len(mail_server.take()) == 1


def test_report_waits_for_the_mail_server(
    mail_server: MailServer, subscriber: User, settings: Settings, port: int
) -> None:
    settings.EMAIL_PORT = find_free_port()
    work(SEVEN_IN_BERLIN)
    job = Job.objects.get()
    assert job.run_at == SEVEN_IN_BERLIN + timedelta(seconds=30)
    settings.EMAIL_PORT = port
    breaker.reset()
    # Much later than reports are requested.
    work(SEVEN_IN_BERLIN + timedelta(days=3))
    assert len(mail_server.take()) == 1
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "values",
    [
        {"gets_weekly_report": False},
        {"is_active": False},
        {"access_role": "SALES_REP"},
        {"organization": None, "is_superuser": True},
    ],
    ids=str,
)
def test_no_report_for_users_without_permission(
    mail_server: MailServer, subscriber: User, values: dict[str, Any]
) -> None:
    with time_machine.travel(SEVEN_IN_BERLIN, tick=False):
        request_weekly_reports()
    assert Job.objects.count() == 1
    # After the request of the job, too.
    User.objects.filter(pk=subscriber.pk).update(**values)
    work(SEVEN_IN_BERLIN)
    assert (mail_server.take(), Job.objects.count()) == ([], 0)
    work(SEVEN_IN_BERLIN)
    assert (mail_server.take(), Job.objects.count()) == ([], 0)


def test_mail_program_turns_the_report_off_without_a_session(
    mail_server: MailServer, subscriber: User, other_admin: User
) -> None:
    work(SEVEN_IN_BERLIN)
    (message,) = mail_server.take()
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = message["List-Unsubscribe"].strip(" <>").removeprefix("https://chat.example.com")
    client = Client(enforce_csrf_checks=True)
    assert "Turn off the weekly report?" in client.get(url).content.decode()
    subscriber.refresh_from_db()
    assert subscriber.gets_weekly_report
    response = client.post(url, {"List-Unsubscribe": "One-Click"})
    assert "The weekly report is turned off" in response.content.decode()
    subscriber.refresh_from_db()
    assert not subscriber.gets_weekly_report
    forged = url.replace(subscriber.pk, other_admin.pk)
    assert client.post(forged).status_code == 404


@pytest.mark.parametrize(
    ("now", "due"),
    [
        # The Mondays after clocks change in Berlin: 7:00 is 5:00 and 6:00 in UTC.
        (datetime(2030, 4, 1, 4, 59, tzinfo=UTC), None),
        (datetime(2030, 4, 1, 5, 0, tzinfo=UTC), date(2030, 4, 1)),
        (datetime(2030, 10, 28, 5, 59, tzinfo=UTC), None),
        (datetime(2030, 10, 28, 6, 0, tzinfo=UTC), date(2030, 10, 28)),
        # A worker that was away starts.
        (datetime(2030, 10, 30, 5, 59, tzinfo=UTC), date(2030, 10, 28)),
        (datetime(2030, 10, 30, 6, 0, tzinfo=UTC), None),
    ],
)
def test_report_is_due_from_seven_on_after_clocks_have_changed(
    now: datetime, due: date | None
) -> None:
    assert find_due_monday("Europe/Berlin", now) == due
