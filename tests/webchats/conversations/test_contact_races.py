"""Actions that meet a merge of contacts: what they lock, and what they see after it."""

from collections.abc import Callable
from datetime import timedelta
from itertools import chain
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from organizations.models import User
from tests.support import factories
from tests.support.threads import run_at_once, run_while_locked
from tests.support.visitors import Visitor
from webchats.conversations import services
from webchats.conversations.api import privacy as privacy_api
from webchats.conversations.assignees import release_conversations
from webchats.conversations.errors import ContactBusy, ContactGone, ConversationDeleted
from webchats.conversations.models import Contact, Conversation, Erasure, Message
from webchats.conversations.privacy import pages
from webchats.conversations.privacy.erasure import erase, request_erasure
from webchats.conversations.privacy.retention import apply_retention
from webchats.conversations.services.merges import merge_contacts
from webchats.models import Webchat

locks_rows = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite locks no rows.")


@pytest.fixture
def conversation(webchat: Webchat) -> Conversation:
    """The conversation of the contact that a merge removes."""
    conversation: Conversation = factories.ConversationFactory.create(
        webchat=webchat, contact__name="Eve", handler="waiting"
    )
    return conversation


@pytest.fixture
def kept(webchat: Webchat) -> Contact:
    """The contact that stays."""
    contact: Contact = factories.ContactFactory.create(webchat=webchat, name="Ada", email="")
    return contact


@pytest.fixture
def merge(admin: User, conversation: Conversation, kept: Contact) -> Callable[[], object]:
    """Merge the contact of the conversation into the other one."""
    return lambda: merge_contacts(kept=kept, removed=conversation.contact, user=admin)


@pytest.fixture
def meanwhile(
    merge: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Any, str], None]:
    """``meanwhile(module, name)`` merges before the module calls a function."""

    def change(module: Any, name: str) -> None:
        function = getattr(module, name)

        def call(*arguments: Any, **values: Any) -> Any:
            merge()
            return function(*arguments, **values)

        monkeypatch.setattr(module, name, call)

    return change


@pytest.mark.django_db
def test_contact_that_is_merged_meanwhile_is_not_erased(
    api_client: APIClient, conversation: Conversation, meanwhile: Callable[[Any, str], None]
) -> None:
    meanwhile(privacy_api, "request_erasure")
    response = api_client.post(f"/api/contacts/{conversation.contact_id}/erase")
    assert (response.status_code, response.json()["code"]) == (409, "contact_gone")
    assert not Erasure.objects.exists()
    assert Conversation.objects.get().state == "open"


@pytest.mark.django_db
def test_page_shows_that_the_contact_was_merged_meanwhile(
    session_client: Client, conversation: Conversation, meanwhile: Callable[[Any, str], None]
) -> None:
    meanwhile(pages, "request_erasure")
    path = f"/admin/privacy/contacts/{conversation.contact_id}/erase/"
    response = session_client.post(path, {"confirmation": "Eve"}, follow=True)
    assert response.status_code == 200
    assert "merged or deleted meanwhile" in response.content.decode()
    assert not Erasure.objects.exists()


@pytest.mark.django_db
def test_move_of_a_merged_contact_is_refused(
    conversation: Conversation, merge: Callable[[], object], admin: User
) -> None:
    contact = conversation.contact
    merge()
    with pytest.raises(ContactGone):
        services.move(contact=contact, stage=None, user=admin)


@locks_rows
@pytest.mark.django_db(transaction=True)
def test_visitor_does_not_replace_values_that_a_merge_fills(webchat: Webchat, admin: User) -> None:
    visitor = Visitor(webchat)
    visitor.send("Hello", "1")
    kept = Contact.objects.get()
    removed = factories.ContactFactory.create(webchat=webchat, name="Eve", email="eve@example.com")
    response = run_while_locked(
        lambda: merge_contacts(kept=kept, removed=removed, user=admin),
        lambda: visitor.send("It is me", "2", contact={"name": "Zoe", "phone": "1"}),
    )
    assert response.status_code == 201
    stored = Contact.objects.get()
    assert (stored.name, stored.email, stored.phone) == ("Eve", "eve@example.com", "1")
    assert Message.objects.get(client_key="2").author_name == "Eve"


ACTIONS = {
    "messages": ("post", "/messages", {"text": "Hello", "clientKey": "1"}),
    "notes": ("post", "/notes", {"text": "Waits"}),
    "read": ("post", "/read", {"sequence": 0}),
    "take-over": ("post", "/take-over", None),
    "update": ("put", "", {"state": "closed"}),
}


@locks_rows
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ACTIONS)
def test_action_during_a_merge_finds_the_conversation(
    api_client: APIClient,
    conversation: Conversation,
    kept: Contact,
    merge: Callable[[], object],
    name: str,
) -> None:
    method, path, body = ACTIONS[name]
    send = getattr(api_client, method)
    response = run_while_locked(
        merge, lambda: send(f"/api/conversations/{conversation.pk}{path}", body)
    )
    assert response.status_code in (200, 201), response.content
    document = response.json()["data"]
    if "contact" in document:
        assert (document["contactId"], document["contact"]["name"]) == (kept.pk, "Ada")


@locks_rows
@pytest.mark.django_db(transaction=True)
def test_contact_form_beside_a_thread_is_saved_in_the_contact_that_stays(
    session_client: Client, conversation: Conversation, kept: Contact, merge: Callable[[], object]
) -> None:
    values = {"name": "Ada Lovelace", "email": "", "phone": "", "stage": ""}
    form = {f"contact-{name}": value for name, value in values.items()}
    form["contact-version"] = conversation.contact.row_version
    path = f"/admin/inbox/{conversation.pk}/contact/"
    response = run_while_locked(merge, lambda: session_client.post(path, form))
    # The version is that of another contact.
    assert response.status_code == 422
    assert "save again" in response.content.decode()
    assert Contact.objects.get().name == "Ada"


@locks_rows
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [0, 5])
def test_merge_meets_every_other_action_without_a_deadlock(
    webchat: Webchat, admin: User, rep: User, number: int
) -> None:
    visitors = [Visitor(webchat) for _ in range(4)]
    for visitor in visitors:
        assert visitor.send("Hello", "1").status_code == 201
    kept, removed, *_ = Contact.objects.order_by("pk")
    Conversation.objects.update(contact=removed)
    rows = list(Conversation.objects.order_by("pk"))
    services.close(conversation=rows[3])
    old = timezone.now() - timedelta(days=9)
    Conversation.objects.filter(pk=rows[3].pk).update(closed_at=old, last_message_at=old)
    webchat.organization.retention_days = 1
    webchat.organization.save()

    def run(action: Callable[[], object]) -> object:
        """Return the error of an action that the others may prevent."""
        try:
            return action()
        except (ContactBusy, ContactGone, ConversationDeleted) as error:
            return type(error)

    actions: list[Callable[[], object]] = [
        lambda: merge_contacts(kept=kept, removed=removed, user=admin),
        lambda: visitors[0].send("Again", "2", contact={"name": "Eve"}).status_code,
        lambda: services.assign(conversation=rows[1], assignee=rep),
        lambda: services.close(conversation=rows[2]),
        lambda: list(apply_retention(webchat.organization)),
        lambda: request_erasure(contact=removed, user=admin),
        lambda: release_conversations(rep),
    ]
    # Another one begins first each time.
    order = actions[number:] + actions[:number]
    results = run_at_once(len(order), lambda index: run(order[index]))
    # Retention leaves what others have locked to its next run.
    list(apply_retention(webchat.organization))
    assert not Conversation.objects.filter(pk=rows[3].pk).exists()
    merged = not Contact.objects.filter(pk=removed.pk).exists()
    erasure = Erasure.objects.first()
    # One of both wins.
    assert merged == (erasure is None)
    assert 201 in results
    owners = {
        row.contact_id for row in Conversation.objects.filter(pk__in=[row.pk for row in rows])
    }
    assert owners == {kept.pk if merged else removed.pk}
    if erasure is not None:
        deleted = chain.from_iterable(erase(erasure))
        assert sum(deleted)
        assert not Contact.objects.filter(pk=removed.pk).exists()
        # A message after the request began another conversation.
        assert Message.objects.filter(text="Again").count() <= 1
