"""Merges of contacts at the same time as other writes."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from organizations.models import User
from tests.support import factories
from tests.support.threads import run_at_once
from tests.support.visitors import Visitor
from webchats.conversations import services
from webchats.conversations.errors import ContactBusy, ContactGone, MergeFinal
from webchats.conversations.models import Contact, ContactMerge, Conversation
from webchats.models import Webchat

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def contacts(webchat: Webchat) -> list[Contact]:
    """Three contacts, each with a conversation."""
    rows = [factories.ConversationFactory.create(webchat=webchat).contact for _ in range(3)]
    return sorted(rows, key=lambda row: row.pk)


def attempt(action: Any, **arguments: Any) -> type[Exception] | None:
    """Return the error of an action, ``None`` if it was done."""
    try:
        action(**arguments)
    except (ContactBusy, ContactGone, MergeFinal) as error:
        return type(error)
    return None


def test_one_of_two_opposite_merges_wins(admin: User, contacts: list[Contact]) -> None:
    def merge(number: int) -> Any:
        kept, removed = contacts[number], contacts[1 - number]
        return attempt(services.merge_contacts, kept=kept, removed=removed, user=admin)

    results = run_at_once(2, merge)
    assert results.count(None) == 1
    assert {*results} <= {None, ContactGone, ContactBusy}
    (made,) = ContactMerge.objects.all()
    assert Contact.objects.get(pk=made.kept_id).conversations.count() == 2


def test_merges_of_one_contact_in_a_row_lose_no_conversation(
    admin: User, contacts: list[Contact]
) -> None:
    pairs = [(contacts[1], contacts[0]), (contacts[2], contacts[1]), (contacts[0], contacts[2])]

    def merge(number: int) -> Any:
        kept, removed = pairs[number]
        return attempt(services.merge_contacts, kept=kept, removed=removed, user=admin)

    results = run_at_once(3, merge)
    assert results.count(None) == 3 - Contact.objects.count() >= 1
    assert Conversation.objects.count() == 3
    merges = list(ContactMerge.objects.order_by("-created_at", "-pk"))
    for made in merges:
        services.undo_merge(merge=made, user=admin)
    assert {row.contact_id for row in Conversation.objects.all()} == {row.pk for row in contacts}


def test_one_of_an_undo_and_another_merge_wins(admin: User, contacts: list[Contact]) -> None:
    ada, eve, zoe = contacts
    made = services.merge_contacts(kept=ada, removed=eve, user=admin)
    actions: list[Any] = [
        lambda: attempt(services.undo_merge, merge=made, user=admin),
        lambda: attempt(services.merge_contacts, kept=zoe, removed=ada, user=admin),
    ]
    undone, merged = run_at_once(2, lambda number: actions[number]())
    assert merged is None
    assert undone in (None, MergeFinal, ContactBusy)
    assert Contact.objects.filter(pk=eve.pk).exists() == (undone is None)
    assert eve.conversations.count() == (1 if undone is None else 0)
    assert zoe.conversations.count() == (2 if undone is None else 3)


def test_visitors_write_during_a_merge(admin: User, webchat: Webchat) -> None:
    visitors = [Visitor(webchat) for _ in range(4)]
    for visitor in visitors:
        assert visitor.send("Hello", "1").status_code == 201
    # Of the removed contact: one writes on, and one begins another conversation.
    removed, kept = Contact.objects.order_by("pk")[:2]
    Conversation.objects.update(contact=removed)
    first, second = Conversation.objects.order_by("pk")[:2]
    services.close(conversation=second)
    Conversation.objects.filter(pk=second.pk).update(closed_at=timezone.now() - timedelta(days=2))
    Conversation.objects.filter(pk=first.pk).update(contact=kept)

    def act(number: int) -> Any:
        if number == 4:
            return attempt(services.merge_contacts, kept=kept, removed=removed, user=admin)
        return visitors[number].send("Again", "2").status_code

    assert run_at_once(5, act) == [201, 201, 201, 201, None]
    assert {row.contact_id for row in Conversation.objects.all()} == {kept.pk}
    assert Conversation.objects.count() == 5


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite locks no rows.")
def test_merge_does_not_wait_for_an_import(admin: User, contacts: list[Contact]) -> None:
    with transaction.atomic():
        list(Contact.objects.select_for_update(no_key=True).filter(pk=contacts[0].pk))
        (result,) = run_at_once(
            1,
            lambda _: attempt(
                services.merge_contacts, kept=contacts[0], removed=contacts[1], user=admin
            ),
        )
    assert result is ContactBusy
    assert not ContactMerge.objects.exists()
