"""Erasure of a person: the request, the deletion by a worker, and what visitors get meanwhile."""

from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction

from organizations.jobs import queue
from organizations.jobs.execution import run_job
from organizations.models import Job, User
from tests.support import event_loops, factories
from tests.support.visitors import Visitor
from webchats.conversations import services
from webchats.conversations.errors import ContactGone, MergeFinal
from webchats.conversations.models import Contact, Conversation, Erasure, Message
from webchats.conversations.privacy import removal
from webchats.conversations.privacy.erasure import erase, request_erasure
from webchats.conversations.privacy.erasure_job import request_lost_erasures
from webchats.conversations.services.merges import merge_contacts, undo_merge
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

VISITOR = "a" * 32


def talk(webchat: Webchat, *texts: str, visitor: str = VISITOR) -> Conversation:
    messages = [
        services.send_visitor_message(
            webchat=webchat, visitor_id=visitor, text=text, client_key=text
        ).message
        for text in texts
    ]
    return messages[-1].conversation


@pytest.fixture
def conversation(webchat: Webchat) -> Conversation:
    """An open conversation of two messages."""
    return talk(webchat, "Hello", "It is me")


def finish(erasure: Erasure) -> Erasure:
    list(erase(erasure))
    erasure.refresh_from_db()
    return erasure


def test_request_detaches_the_conversations_and_starts_a_job(
    conversation: Conversation, admin: User, webchat: Webchat
) -> None:
    erasure = request_erasure(contact=conversation.contact, user=admin)
    assert (erasure.state, erasure.percent, erasure.requested_by) == ("pending", 0, admin)
    # With the event “closed”.
    assert (erasure.total_conversations, erasure.total_messages) == (1, 3)
    assert Job.objects.get(kind="erasure").key == erasure.pk
    # A second request is the same one.
    assert request_erasure(contact=conversation.contact, user=None) == erasure
    later = talk(webchat, "Hello", "Somebody else")
    assert later.pk != conversation.pk
    assert later.contact != conversation.contact
    assert later.last_sequence == 2
    done = finish(erasure)
    assert (done.state, done.percent, done.deleted_messages) == ("done", 100, 3)
    assert done.finished_at is not None
    assert [*Contact.objects.all()] == [later.contact]
    assert [*Conversation.objects.all()] == [later]


@pytest.mark.parametrize("is_erased", [False, True])
def test_visitor_has_no_conversation_and_starts_anew(
    webchat: Webchat, admin: User, is_erased: bool
) -> None:
    visitor = Visitor(webchat)
    sent = visitor.send("Hello").json()
    erasure = request_erasure(contact=Contact.objects.get(), user=admin)
    if is_erased:
        finish(erasure)
    assert visitor.get("messages").json()["conversationId"] is None
    assert visitor.get("transcript").status_code == 404
    assert visitor.put("rating", {"score": 5}).status_code == 404
    renewed = visitor.start(token=visitor.token)
    assert renewed["conversation"] is None
    again = visitor.send("Hello")
    assert again.status_code == 201
    assert again.json()["conversationId"] != sent["conversationId"]


def test_nothing_is_added_to_a_contact_during_its_erasure(
    conversation: Conversation, admin: User, api: Any
) -> None:
    contact = conversation.contact
    request_erasure(contact=contact, user=admin)
    path = f"/api/conversations/{conversation.pk}"
    body = {"text": "Hello?", "clientKey": "1"}
    assert api(admin).post(f"{path}/messages", body).status_code == 404
    assert api(admin).post(f"{path}/notes", {"text": "A note"}).status_code == 404
    assert api(admin).put(path, {"state": "open"}).status_code == 404
    assert Message.objects.count() == 3


def test_a_killed_erasure_is_continued_by_another_worker(
    webchat: Webchat, conversation: Conversation, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        row = talk(webchat, "Hello", visitor=f"{number}")
        Conversation.objects.filter(pk=row.pk).update(contact=conversation.contact)
    monkeypatch.setattr(removal, "BATCH", 2)
    erasure = request_erasure(contact=conversation.contact, user=admin)
    (job,) = queue.claim(["erasure"])
    steps = erase(erasure, check=lambda: queue.lock_lease(job))
    next(steps)
    # Another worker claims the job, and this one must delete nothing more.
    Job.objects.update(fence=job.fence + 1)
    with pytest.raises(queue.LeaseLost), transaction.atomic():
        next(steps)
    erasure.refresh_from_db()
    assert (erasure.state, erasure.deleted_conversations) == ("running", 2)
    done = finish(erasure)
    assert (done.deleted_conversations, done.deleted_messages) == (4, 9)
    assert done.total_messages == 9


def test_an_erasure_without_a_job_is_requested_again(
    conversation: Conversation, admin: User
) -> None:
    erasure = request_erasure(contact=conversation.contact, user=admin)
    Job.objects.all().delete()
    request_lost_erasures()
    assert Job.objects.get().key == erasure.pk
    finish(erasure)
    Job.objects.all().delete()
    request_lost_erasures()
    assert not Job.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_worker_erases(conversation: Conversation) -> None:
    erasure = request_erasure(contact=conversation.contact, user=None)
    (job,) = queue.claim(["erasure"])
    event_loops.run(run_job(job))
    erasure.refresh_from_db()
    assert erasure.state == "done"
    assert not Job.objects.exists()


def test_log_of_the_admin_site_and_history_are_erased(
    conversation: Conversation, admin: User
) -> None:
    contact = conversation.contact
    contact.name = "Grace Hopper"
    contact.save()
    LogEntry.objects.log_actions(admin.pk, [contact], CHANGE, change_message="Changed")
    other = factories.ContactFactory.create()
    LogEntry.objects.log_actions(admin.pk, [other], CHANGE, change_message="Changed")
    finish(request_erasure(contact=contact, user=admin))
    assert [entry.object_id for entry in LogEntry.objects.all()] == [other.pk]
    history: Any = Contact.history
    assert set(history.values_list("id", flat=True)) == {other.pk}


def test_contacts_that_are_being_erased_are_not_merged(
    conversation: Conversation, admin: User, webchat: Webchat
) -> None:
    contact = conversation.contact
    other = factories.ContactFactory.create(webchat=webchat, name="Merged")
    another = factories.ContactFactory.create(webchat=webchat)
    merge = merge_contacts(kept=contact, removed=other, user=admin)
    erasure = request_erasure(contact=contact, user=admin)
    for kept, removed in ((contact, another), (another, contact)):
        with pytest.raises(ContactGone):
            merge_contacts(kept=kept, removed=removed, user=admin)
    with pytest.raises(MergeFinal):
        undo_merge(merge=merge, user=admin)
    finish(erasure)
    merge.refresh_from_db()
    assert (merge.contact, merge.removed_values) == (None, None)
    history: Any = Contact.history
    assert set(history.values_list("id", flat=True)) == {another.pk}


def test_history_of_a_contact_whose_merge_was_undone_stays(
    conversation: Conversation, admin: User, webchat: Webchat
) -> None:
    other = factories.ContactFactory.create(webchat=webchat, name="Merged")
    merge = merge_contacts(kept=conversation.contact, removed=other, user=admin)
    undo_merge(merge=merge, user=admin)
    finish(request_erasure(contact=conversation.contact, user=admin))
    assert Contact.objects.get().pk == other.pk
    history: Any = Contact.history
    assert set(history.values_list("id", flat=True)) == {other.pk}
