"""E-mails about visitors who wait while nobody is online, delivered to an SMTP server."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from organizations.jobs import queue
from organizations.jobs.database import run_query
from organizations.jobs.execution import run_job
from organizations.models import Job, User
from tests.support import event_loops, factories
from tests.support.mail_server import MailServer, find_free_port, running_mail_server
from tests.webchats.conversations.inbox.conftest import VISITOR, answer, write
from webchats.conversations import services
from webchats.conversations.models import Contact, Conversation
from webchats.conversations.notifications.delivery import breaker
from webchats.conversations.notifications.unattended import report_unattended
from webchats.conversations.presence import report_presence, set_away
from webchats.models import Webchat

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def port() -> int:
    """The port of the mail server."""
    return find_free_port()


@pytest.fixture(scope="module")
def running(port: int) -> Iterator[MailServer]:
    """A mail server for the tests of this module."""
    with running_mail_server(port) as server:
        yield server


@pytest.fixture(autouse=True)
def _mail_settings(settings: Settings, port: int) -> None:
    settings.EMAIL_ENABLED = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 5
    settings.DEFAULT_FROM_EMAIL = "Webchats <webchats@example.com>"
    settings.BASE_URL = "https://chat.example.com"
    breaker.reset()


@pytest.fixture
def mail_server(running: MailServer) -> MailServer:
    """The mail server, without messages and refusals."""
    running.take()
    running.replies.clear()
    return running


def wait(conversation: Conversation, minutes: float = 6, **values: Any) -> Conversation:
    """Let the visitor have waited for some minutes."""
    values = {"handler": "waiting", "waiting_since": timezone.now() - minutes * MINUTE, **values}
    Conversation.objects.filter(pk=conversation.pk).update(**values)
    conversation.refresh_from_db()
    return conversation


def leave(user: User, minutes: float) -> None:
    """Let the user have been online until some minutes ago."""
    User.objects.filter(pk=user.pk).update(online_until=timezone.now() - minutes * MINUTE)


def run_due_jobs() -> None:
    async def run() -> None:
        for job in await run_query(queue.claim, ["email"], 100):
            await run_job(job)

    event_loops.run(run())


def work() -> None:
    """Do what the worker does: look for visitors who wait, and run the jobs that are due."""
    report_unattended()
    run_due_jobs()


def test_an_email_reports_a_visitor_who_waits_while_nobody_is_online(
    mail_server: MailServer, webchat: Webchat, admin: User
) -> None:
    conversation = wait(write(webchat, "Do you deliver\nto <b>Oslo</b>?"))
    hostile = "Ada\r\nBcc: eve@example.com\r\n\r\nHello <i>\u202e"
    Contact.objects.filter(pk=conversation.contact_id).update(name=hostile)
    work()
    (message,) = mail_server.take()
    assert (message["From"], message["To"]) == ("Webchats <webchats@example.com>", admin.email)
    assert message["Subject"] == "Ada Bcc: eve@example.com Hello <i> is waiting for a reply"
    assert "Bcc" not in message
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["References"] == f"<conversation.{conversation.pk}@chat.example.com>"
    assert message["Message-ID"].endswith("@chat.example.com>")
    assert message.get_content_type() == "multipart/alternative"
    plain, html = (part.get_content().replace("\r\n", "\n") for part in message.iter_parts())
    url = f"https://chat.example.com/admin/inbox/{conversation.pk}/"
    for text in (
        "Ada Bcc: eve@example.com Hello <i>, ",
        f"{webchat.name}, since {conversation.waiting_since:%-d %b %Y, %H:%M} UTC\n",
        "> Do you deliver to <b>Oslo</b>?\n",
        f"\n{url}\n",
        "https://chat.example.com/admin/inbox/preferences/",
    ):
        assert text in plain
    assert "Do you deliver to &lt;b&gt;Oslo&lt;/b&gt;?" in html
    assert f'<a href="{url}">Ada Bcc: eve@example.com Hello &lt;i&gt;</a>' in html


def test_each_wait_is_reported_once(mail_server: MailServer, webchat: Webchat, admin: User) -> None:
    conversation = wait(write(webchat))
    work()
    work()
    (first,) = mail_server.take()
    services.send_visitor_message(
        webchat=webchat, visitor_id=VISITOR, text="Anybody there?", client_key="again"
    )
    work()
    assert (mail_server.take(), Job.objects.count()) == ([], 0)
    answer(conversation, admin)
    # The first wait was twenty minutes ago, but another e-mail was sent a minute ago.
    earlier = timezone.now() - 20 * MINUTE
    wait(write(webchat, "Thanks. And now?"), handler="rep", unattended_at=earlier)
    User.objects.update(emailed_up_to=earlier, emailed_at=timezone.now() - MINUTE)
    work()
    assert mail_server.take() == []
    assert 3 * MINUTE < Job.objects.get().run_at - timezone.now() < 5 * MINUTE
    User.objects.update(emailed_at=earlier)
    Job.objects.update(run_at=timezone.now())
    work()
    (second,) = mail_server.take()
    assert second["References"] == first["References"]
    assert second["Message-ID"] != first["Message-ID"]
    assert not Job.objects.exists()


def test_one_email_lists_up_to_20_of_many(
    mail_server: MailServer, webchat: Webchat, admin: User
) -> None:
    for number in range(22):
        values = {"handler": "waiting", "waiting_since": timezone.now() - (6 + number) * MINUTE}
        factories.ConversationFactory.create(
            webchat=webchat, contact__name=f"Visitor {number}", **values
        )
    work()
    (message,) = mail_server.take()
    assert message["Subject"] == "22 visitors are waiting for a reply"
    assert "References" not in message
    plain = message.get_body(("plain",))
    assert plain is not None
    text = plain.get_content()
    listed = [number for number in range(22) if f"Visitor {number}," in text]
    assert listed == list(range(2, 22))
    assert text.index("Visitor 21,") < text.index("Visitor 20,")
    assert "The others are in the inbox:" in text


def test_an_away_rep_is_not_online(mail_server: MailServer, webchat: Webchat, admin: User) -> None:
    organization_id = webchat.organization_id
    report_presence(organization_id=organization_id, user=admin)
    set_away(organization_id=organization_id, user=admin, is_away=True)
    wait(write(webchat))
    work()
    assert mail_server.take() == []
    leave(admin, 5)
    admin.refresh_from_db()
    report_presence(organization_id=organization_id, user=admin)
    work()
    assert len(mail_server.take()) == 1


def test_a_draft_that_waits_for_approval_is_reported(
    mail_server: MailServer, webchat: Webchat
) -> None:
    draft = factories.DraftFactory.create(webchat=webchat)
    wait(draft.conversation, handler="ai")
    work()
    assert len(mail_server.take()) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"minutes": 4},
        {"minutes": 24 * 60 + 1},
        {"waiting_since": None},
        {"state": "closed"},
        {"handler": "ai"},
    ],
    ids=str,
)
def test_others_are_not_reported(
    mail_server: MailServer, webchat: Webchat, values: dict[str, Any]
) -> None:
    wait(write(webchat), **values)
    work()
    assert mail_server.take() == []


def test_nobody_is_emailed_without_need(
    mail_server: MailServer, webchat: Webchat, admin: User, other_admin: User, settings: Settings
) -> None:
    conversation = wait(write(webchat))
    colleague = factories.UserFactory.create(organization=admin.organization, is_active=False)
    leave(admin, 4)
    work()
    report_presence(organization_id=webchat.organization_id, user=other_admin)
    leave(admin, 6)
    settings.EMAIL_ENABLED = False
    work()
    conversation.refresh_from_db()
    assert conversation.unattended_at is None
    settings.EMAIL_ENABLED = True
    report_unattended()
    # Back before the e-mail is sent.
    report_presence(organization_id=webchat.organization_id, user=admin)
    run_due_jobs()
    assert (mail_server.take(), Job.objects.count()) == ([], 0)
    leave(admin, 6)
    User.objects.filter(pk=admin.pk).update(gets_email=False)
    Conversation.objects.update(unattended_at=None)
    work()
    assert mail_server.take() == []
    # The others of the organization, and nobody of another one.
    User.objects.filter(pk=colleague.pk).update(is_active=True)
    Conversation.objects.update(unattended_at=None)
    work()
    assert [message["To"] for message in mail_server.take()] == [colleague.email]


def test_the_assignee_is_emailed_or_without_one_everybody(
    mail_server: MailServer, webchat: Webchat, admin: User, rep: User
) -> None:
    first, second = write(webchat), write(webchat, visitor_id="b" * 32)
    wait(first, handler="rep", assignee=rep)
    work()
    assert [message["To"] for message in mail_server.take()] == [rep.email]
    User.objects.update(emailed_at=None)
    wait(second)
    work()
    both = mail_server.take()
    assert [message["To"] for message in both] == sorted([admin.email, rep.email])
    assert {message["Subject"] for message in both} == {"Ada is waiting for a reply"}
    User.objects.filter(pk=rep.pk).update(gets_email=False)
    User.objects.update(emailed_at=None)
    wait(first, handler="rep", unattended_at=None)
    work()
    assert [message["To"] for message in mail_server.take()] == [admin.email]


def test_an_email_is_delivered_when_the_mail_server_is_back(
    webchat: Webchat, admin: User, settings: Settings
) -> None:
    settings.EMAIL_PORT = find_free_port()
    wait(write(webchat))
    work()
    assert breaker.is_open
    job = Job.objects.get()
    assert job.run_at > timezone.now() + timedelta(seconds=25)
    # Older reports are tried less often.
    Conversation.objects.update(unattended_at=timezone.now() - 4 * MINUTE)
    Job.objects.update(run_at=timezone.now())
    run_due_jobs()
    assert timezone.now() + 3 * MINUTE < Job.objects.get().run_at < timezone.now() + 5 * MINUTE
    breaker.reset()
    Job.objects.update(run_at=timezone.now())
    with running_mail_server(settings.EMAIL_PORT) as server:
        run_due_jobs()
    assert [message["To"] for message in server.take()] == [admin.email]
    assert not Job.objects.exists()


def test_a_refused_recipient_does_not_concern_the_others(
    mail_server: MailServer, webchat: Webchat, admin: User, rep: User
) -> None:
    mail_server.replies = {admin.email: "550 No such user", rep.email: "450 Try again later"}
    wait(write(webchat))
    work()
    assert not breaker.is_open
    assert [job.key for job in Job.objects.all()] == [rep.pk]
    mail_server.replies = {}
    Job.objects.update(run_at=timezone.now())
    run_due_jobs()
    assert [message["To"] for message in mail_server.take()] == [rep.email]
