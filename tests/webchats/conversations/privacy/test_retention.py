"""Retention: what is deleted after a time, what stays, and what a run that was killed leaves."""

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from rest_framework.test import APIClient

from organizations.jobs import queue
from organizations.models import Job, Organization, User
from tests.support import factories
from tests.support.clients import log_in
from tests.support.threads import run_at_once
from webchats.conversations import services
from webchats.conversations.models import Contact, Conversation, RetainedConversation
from webchats.conversations.privacy import removal, retention_job
from webchats.conversations.privacy.retention import apply_retention
from webchats.conversations.reports.loading import load_report
from webchats.conversations.reports.periods import Period
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def set_days(webchat: Webchat, conversations: int | None, contacts: int | None = None) -> None:
    webchat.organization.retention_days = conversations
    webchat.organization.contact_retention_days = contacts
    webchat.organization.save()


def talk(webchat: Webchat, visitor: str, *, days: float, texts: int = 1) -> Conversation:
    """Store a conversation that was closed so many days ago."""
    with time_machine.travel(NOW - timedelta(days=days), tick=False):
        sent = [
            services.send_visitor_message(
                webchat=webchat, visitor_id=visitor, text="Hello", client_key=f"{number}"
            )
            for number in range(texts)
        ]
        return services.close(conversation=sent[-1].message.conversation)


def run_command(*arguments: str) -> str:
    output = StringIO()
    call_command("apply_retention", *arguments, stdout=output)
    return output.getvalue()


def left() -> list[str]:
    return sorted(Conversation.objects.values_list("visitor_id", flat=True))


def test_conversations_are_deleted_days_after_they_were_closed(webchat: Webchat) -> None:
    set_days(webchat, 30)
    talk(webchat, "due", days=30)
    talk(webchat, "younger", days=29.9)
    opened = talk(webchat, "reopened", days=90)
    services.reopen(conversation=opened, user=webchat.user)
    name = webchat.organization.name
    assert run_command() == f"{name}: deleted 1 conversation and 2 messages\n"
    assert left() == ["reopened", "younger"]
    assert Contact.objects.count() == 3
    assert run_command() == f"{name}: deleted nothing\n"


def test_contacts_without_conversations_are_deleted_with_their_history(webchat: Webchat) -> None:
    set_days(webchat, 30, 60)
    for visitor, days in (("both", 60), ("conversation", 59), ("none", 20)):
        talk(webchat, visitor, days=days)
    opened = talk(webchat, "open", days=90)
    services.reopen(conversation=opened, user=webchat.user)
    expected = "2 conversations and 1 contact"
    assert run_command("--dry-run").endswith(f": would delete {expected}\n")
    assert Conversation.objects.count() == 4
    assert run_command().endswith(": deleted 2 conversations, 4 messages and 1 contact\n")
    assert left() == ["none", "open"]
    history: Any = Contact.history
    assert Contact.objects.count() == history.values("id").distinct().count() == 3


def test_rows_of_other_organizations_and_without_a_setting_stay(webchat: Webchat) -> None:
    other = factories.WebchatFactory.create()
    for each in (webchat, other):
        talk(each, f"{each.pk[:20]}", days=5_000)
    assert run_command("--organization", webchat.organization_id).endswith("deleted nothing\n")
    set_days(webchat, 1, 1)
    set_days(other, 1, 1)
    run_command("--organization", webchat.organization_id)
    assert [row.webchat for row in Conversation.objects.all()] == [other]
    assert Contact.objects.get().organization == other.organization


@pytest.mark.parametrize("batch", [1, 2, 200])
def test_every_batch_is_deleted(
    webchat: Webchat, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "BATCH", batch)
    monkeypatch.setattr("webchats.conversations.privacy.retention.BATCH", batch)
    set_days(webchat, 30, 30)
    for number in range(5):
        talk(webchat, f"{number}", days=40)
    assert run_command().endswith(": deleted 5 conversations, 10 messages and 5 contacts\n")
    assert not Contact.objects.exists()


def test_a_transaction_deletes_a_limited_number_of_messages(
    webchat: Webchat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "MAX_MESSAGES", 4)
    set_days(webchat, 30)
    talk(webchat, "long", days=50, texts=9)
    for number in range(3):
        talk(webchat, f"{number}", days=40)
    steps = list(apply_retention(webchat.organization))
    assert [tuple(step) for step in steps] == [
        # Of ten messages, four and four, then the conversation with the rest.
        (0, 4, 0),
        (0, 4, 0),
        (1, 2, 0),
        (2, 4, 0),
        (1, 2, 0),
    ]


def test_a_half_deleted_conversation_cannot_be_changed(
    webchat: Webchat, admin: User, monkeypatch: pytest.MonkeyPatch, api: Any
) -> None:
    monkeypatch.setattr(removal, "MAX_MESSAGES", 2)
    set_days(webchat, 1)
    conversation = talk(webchat, "a" * 32, days=1, texts=5)
    steps = apply_retention(webchat.organization)
    assert next(steps) == (0, 2, 0)
    path = f"/api/conversations/{conversation.pk}"
    assert api(admin).put(path, {"state": "open"}).status_code == 404
    assert api(admin).post(f"{path}/notes", {"text": "Late"}).status_code == 404
    assert log_in(admin).post(f"/admin/inbox/{conversation.pk}/reopen/").status_code == 404
    # The visitor's next message starts a new conversation.
    sent = services.send_visitor_message(
        webchat=webchat, visitor_id="a" * 32, text="Again", client_key="again"
    )
    assert sent.message.sequence == 1
    assert [step.conversations for step in steps][-1] == 1
    assert Conversation.objects.get() == sent.message.conversation


def load_last_year(webchat: Webchat) -> dict[str, object]:
    """Return the figures of last year's report."""
    period = Period(date(2029, 1, 1), date(2029, 12, 31), UTC)
    report = asdict(load_report(webchat.organization, period))
    # When it was made, and how many conversations are deleted.
    for name in ("loaded_at", "retained"):
        del report[name]
    return report


def test_reports_stay_the_same_also_when_a_run_is_killed(
    webchat: Webchat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "BATCH", 2)
    set_days(webchat, 30)
    for number in range(6):
        conversation = talk(webchat, f"{number}", days=40 + number)
        with time_machine.travel(conversation.last_message_at + timedelta(hours=1)):
            services.rate(conversation=conversation, score=1 + number % 5)
    before = load_last_year(webchat)
    assert before["conversations"] == 6

    def die(*_: object) -> None:
        # As after kill -9: nothing of the transaction is stored.
        raise KeyboardInterrupt

    steps = apply_retention(webchat.organization)
    next(steps)
    with monkeypatch.context() as patch:
        patch.setattr(removal, "_delete_log", die)
        with pytest.raises(KeyboardInterrupt), transaction.atomic():
            next(steps)
    assert (Conversation.objects.count(), RetainedConversation.objects.count()) == (4, 2)
    assert load_last_year(webchat) == before
    assert run_command().endswith(": deleted 4 conversations and 12 messages\n")
    assert RetainedConversation.objects.count() == 6
    assert load_last_year(webchat) == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite locks the database.")
def test_conversations_that_others_have_locked_are_left_for_the_next_run(
    webchat: Webchat,
) -> None:
    set_days(webchat, 30)
    locked, _ = talk(webchat, "locked", days=40), talk(webchat, "other", days=40)
    with transaction.atomic():
        Conversation.objects.select_for_update().get(pk=locked.pk)
        run_at_once(1, lambda _: run_command())
    assert left() == ["locked"]
    run_command()
    assert left() == []


def test_the_worker_deletes_with_its_lease_only(webchat: Webchat) -> None:
    set_days(webchat, 30)
    talk(webchat, "due", days=40)
    retention_job.request_retention()
    assert Job.objects.get().key == webchat.organization_id
    (job,) = queue.claim(["retention"])
    Job.objects.update(fence=9)
    with pytest.raises(queue.LeaseLost):
        list(apply_retention(webchat.organization, check=lambda: queue.lock_lease(job)))
    assert left() == ["due"]


# --- Settings ---


def test_only_administrators_change_the_settings(api: Any, admin: User, rep: User) -> None:
    path = f"/api/organizations/{admin.organization_id}"
    body = {"retentionDays": 365, "contactRetentionDays": 3650}
    assert api(admin).put(path, body).json()["data"].items() >= body.items()
    for days in (0, 3651, "1", 1.5):
        response = api(admin).put(path, {"retentionDays": days, "contactRetentionDays": days})
        fields = [detail["field"] for detail in response.json()["details"]]
        assert sorted(fields) == ["contactRetentionDays", "retentionDays"]
    head = factories.UserFactory.create(
        organization=admin.organization, access_role="DEPARTMENT_HEAD"
    )
    for user in (head, rep):
        assert api(user).put(path, {"retentionDays": 1}).status_code == 403
    assert api(admin).put(path, {"retentionDays": None}).json()["data"]["retentionDays"] is None


def test_the_form_requires_a_confirmation_of_deletions(
    session_client: Client, webchat: Webchat
) -> None:
    for visitor, days in (("old", 40), ("new", 2)):
        talk(webchat, visitor, days=days)
    organization = webchat.organization
    url = f"/admin/organizations/organization/{organization.pk}/change/"

    def save(**values: object) -> Any:
        return session_client.post(url, {"name": organization.name, "time_zone": "UTC", **values})

    refused = save(retention_days=30, contact_retention_days=30)
    text = refused.content.decode()
    assert refused.status_code == 200
    assert "These settings delete 1 conversation and 1 contact within 24 hours." in text
    organization.refresh_from_db()
    assert organization.retention_days is None
    assert save(retention_days=30, confirm_deletion="on").status_code == 302
    # What is saved needs no other confirmation, and nor does what deletes nothing.
    assert save(retention_days=30).status_code == 302
    assert save(retention_days=41).status_code == 302
    organization.refresh_from_db()
    assert organization.retention_days == 41
    page = session_client.get(url).content.decode()
    assert "Nothing." in page
    Organization.objects.update(retention_days=1)
    assert "2 conversations will be deleted." in session_client.get(url).content.decode()


def test_counts_of_another_organization_are_not_shown(
    session_client: Client, webchat: Webchat, api_client: APIClient
) -> None:
    other = factories.WebchatFactory.create()
    talk(other, "theirs", days=40)
    url = f"/admin/organizations/organization/{webchat.organization_id}/change/"
    body = {"name": "Shop", "time_zone": "UTC", "retention_days": 1}
    assert session_client.post(url, body).status_code == 302
    assert api_client.get(f"/api/organizations/{other.organization_id}").status_code == 404
