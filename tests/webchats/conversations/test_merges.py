"""Merging contacts, and undoing that."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from organizations.models import Organization, Stage, User
from tests.support import factories
from tests.support.visitors import Visitor
from webchats.conversations import services
from webchats.conversations.errors import ContactGone, ContactTooLarge, MergeFinal
from webchats.conversations.merged_values import dump_values
from webchats.conversations.models import Contact, ContactMerge, Conversation, StageMove
from webchats.conversations.models.contact_merge import UNDO_FOR
from webchats.conversations.periodic_tasks import delete_undo_data
from webchats.conversations.services import merge_locks
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage(organization: Organization) -> Stage:
    return factories.StageFactory.create(pipeline__organization=organization, name="Offer")


def create(organization: Organization, **values: Any) -> Contact:
    contact: Contact = factories.ContactFactory.create(
        webchat=None, organization=organization, **values
    )
    return contact


def converse(contact: Contact, webchat: Webchat, **values: Any) -> Conversation:
    conversation: Conversation = factories.ConversationFactory.create(
        webchat=webchat, contact=contact, **values
    )
    return conversation


def stored(*contacts: Contact) -> list[Any]:
    """Return all values of the contacts as they are stored, without the time of the update."""
    rows = [dump_values(Contact.objects.get(pk=contact.pk)) for contact in contacts]
    return [{**row, "updated_at": None} for row in rows]


def owners(*conversations: Conversation) -> list[str]:
    return [Conversation.objects.get(pk=row.pk).contact_id for row in conversations]


def test_merge_moves_conversations_and_moves_and_removes_the_contact(
    admin: User, webchat: Webchat, stage: Stage
) -> None:
    organization = webchat.organization
    ada = create(organization, name="Ada", email="ada@example.com")
    eve = create(organization, name="Eve", email="ada@example.com", phone="1", locale="en")
    services.move(contact=eve, stage=stage, user=admin)
    first, second = converse(ada, webchat), converse(eve, webchat)
    seen = eve.first_seen_at
    merge = services.merge_contacts(kept=ada, removed=eve, user=admin)
    assert owners(first, second) == [ada.pk, ada.pk]
    assert Conversation.objects.get(pk=second.pk).updated_at > second.updated_at
    assert not Contact.objects.filter(pk=eve.pk).exists()
    ada.refresh_from_db()
    # Only empty values are filled.
    assert (ada.name, ada.phone, ada.stage, ada.locale) == ("Ada", "1", stage, "en")
    assert (ada.first_seen_at, ada.last_seen_at) == (min(ada.first_seen_at, seen), seen)
    assert ada.moves.count() == 2
    version = ada.history.first()
    assert version.history_change_reason == f"Another contact was merged into this one ({eve.pk})."
    assert (merge.contact, merge.merged_by, merge.removed_id) == (ada, admin, eve.pk)
    assert merge.is_undoable
    assert ContactMerge.objects.undoable().get() == merge


def test_values_are_those_that_were_chosen(admin: User, organization: Organization) -> None:
    ada = create(organization, name="Ada", email="a@example.com", phone="1")
    eve = create(organization, name="Eve", email="e@example.com", phone="")
    services.merge_contacts(kept=ada, removed=eve, user=admin, take=["email", "phone"])
    ada.refresh_from_db()
    assert (ada.name, ada.email, ada.phone) == ("Ada", "e@example.com", "")


def test_stage_that_a_merge_changes_is_a_move(
    admin: User, organization: Organization, stage: Stage
) -> None:
    ada = create(organization, pipeline=stage.pipeline)
    eve = create(organization, pipeline=stage.pipeline, stage=stage)
    services.merge_contacts(kept=ada, removed=eve, user=admin)
    move = StageMove.objects.get()
    assert (move.contact, move.to_stage, move.moved_by) == (ada, stage, admin)


def test_undo_restores_both_contacts(admin: User, webchat: Webchat, stage: Stage) -> None:
    organization = webchat.organization
    ada = create(organization, name="Ada", pipeline=stage.pipeline)
    with time_machine.travel(timezone.now() - timedelta(days=9), tick=False):
        eve = create(organization, name="Eve", phone="1", page_url="https://example.com/")
        services.move(contact=eve, stage=stage, user=admin)
    first, second = converse(ada, webchat), converse(eve, webchat)
    before = stored(ada, eve)
    merge = services.merge_contacts(kept=ada, removed=eve, user=admin, take=["name", "stageId"])
    assert stored(ada) != before[:1]
    merge = services.undo_merge(merge=merge, user=admin)
    assert stored(ada, eve) == before
    assert owners(first, second) == [ada.pk, eve.pk]
    assert [move.moved_by for move in eve.moves.all()] == [admin]
    assert not Conversation.objects.filter(merge__isnull=False).exists()
    assert (merge.undone_by, merge.removed_values, merge.kept_values) == (admin, None, None)
    assert not merge.is_undoable
    assert "was undone" in Contact.objects.get(pk=eve.pk).history.first().history_change_reason
    with pytest.raises(MergeFinal, match="already"):
        services.undo_merge(merge=merge, user=admin)


def test_undo_keeps_later_changes(admin: User, webchat: Webchat, stage: Stage) -> None:
    organization = webchat.organization
    ada = create(organization, name="Ada", email="", phone="")
    eve = create(
        organization, name="Eve", email="e@example.com", phone="1", stage=stage,
        pipeline=stage.pipeline,
    )  # fmt: skip
    merge = services.merge_contacts(kept=ada, removed=eve, user=admin)
    begun = converse(ada, webchat)
    Contact.objects.filter(pk=ada.pk).update(phone="2")
    won = factories.StageFactory.create(pipeline=stage.pipeline)
    services.move(contact=ada, stage=won, user=admin)
    services.undo_merge(merge=merge, user=admin)
    ada.refresh_from_db()
    # The address was from the merge. Number and stage are later changes.
    assert (ada.email, ada.phone, ada.stage) == ("", "2", won)
    eve = Contact.objects.get(pk=eve.pk)
    assert (eve.phone, eve.stage) == ("1", stage)
    assert owners(begun) == [ada.pk]


def test_undo_works_after_references_were_deleted(
    admin: User, organization: Organization, webchat: Webchat, stage: Stage
) -> None:
    ada = create(organization)
    eve = create(organization, pipeline=stage.pipeline, stage=stage)
    Contact.objects.filter(pk=eve.pk).update(webchat=webchat)
    merge = services.merge_contacts(kept=ada, removed=eve, user=admin, take=[])
    webchat.delete()
    stage.pipeline.delete()
    services.undo_merge(merge=merge, user=admin)
    eve = Contact.objects.get(pk=eve.pk)
    assert (eve.webchat, eve.pipeline, eve.stage) == (None, None, None)


def test_merges_of_merged_contacts_are_undone_from_the_last_one(
    admin: User, webchat: Webchat
) -> None:
    organization = webchat.organization
    ada, eve, zoe = (create(organization, name=name) for name in ("Ada", "Eve", "Zoe"))
    rows = [converse(contact, webchat) for contact in (ada, eve, zoe)]
    before = stored(ada, eve, zoe)
    first = services.merge_contacts(kept=eve, removed=ada, user=admin, take=["name"])
    second = services.merge_contacts(kept=zoe, removed=eve, user=admin, take=["name"])
    assert owners(*rows) == [zoe.pk] * 3
    with pytest.raises(MergeFinal, match="merged again"):
        services.undo_merge(merge=first, user=admin)
    assert [*ContactMerge.objects.undoable()] == [second]
    services.undo_merge(merge=second, user=admin)
    assert owners(*rows) == [eve.pk, eve.pk, zoe.pk]
    services.undo_merge(merge=first, user=admin)
    assert owners(*rows) == [ada.pk, eve.pk, zoe.pk]
    assert stored(ada, eve, zoe) == before
    services.merge_contacts(kept=eve, removed=ada, user=admin)
    assert owners(*rows) == [eve.pk, eve.pk, zoe.pk]


def test_merge_of_a_deleted_contact_is_not_undone_and_keeps_nothing_personal(
    admin: User, organization: Organization
) -> None:
    ada, eve = create(organization, name="Ada"), create(organization, name="Eve", phone="1")
    merge = services.merge_contacts(kept=ada, removed=eve, user=admin)
    ada.delete()
    merge.refresh_from_db()
    assert (merge.contact, merge.removed_values, merge.kept_values) == (None, None, None)
    with pytest.raises(MergeFinal, match="deleted meanwhile"):
        services.undo_merge(merge=merge, user=admin)
    with pytest.raises(ContactGone):
        services.merge_contacts(kept=eve, removed=create(organization), user=admin)


def test_merge_is_undoable_for_30_days_and_a_task_deletes_its_values(
    admin: User, organization: Organization
) -> None:
    ada, eve = create(organization), create(organization, name="Eve")
    with time_machine.travel(timezone.now() - UNDO_FOR, tick=False):
        merge = services.merge_contacts(kept=ada, removed=eve, user=admin)
    young = services.merge_contacts(kept=ada, removed=create(organization), user=admin)
    for _ in range(2):
        assert not merge.is_undoable
        assert [*ContactMerge.objects.undoable()] == [young]
        with pytest.raises(MergeFinal, match="too old"):
            services.undo_merge(merge=merge, user=admin)
        delete_undo_data()
        merge.refresh_from_db()
        assert (merge.removed_values, merge.kept_values) == (None, None)
    assert services.undo_merge(merge=young, user=admin).undone_at


def test_contact_with_many_conversations_can_only_be_the_one_that_stays(
    admin: User, webchat: Webchat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge_locks, "MAX_CONVERSATIONS", 1)
    ada, eve = create(webchat.organization), create(webchat.organization)
    for _ in range(2):
        converse(eve, webchat)
    with pytest.raises(ContactTooLarge):
        services.merge_contacts(kept=ada, removed=eve, user=admin)
    services.merge_contacts(kept=eve, removed=ada, user=admin)


def test_visitors_of_merged_contacts_see_their_own_messages_only(
    admin: User, webchat: Webchat
) -> None:
    visitors = [Visitor(webchat), Visitor(webchat)]
    for number, visitor in enumerate(visitors):
        visitor.send(f"Secret {number}", "1")
    kept, removed = Contact.objects.order_by("pk")
    services.merge_contacts(kept=kept, removed=removed, user=admin)
    for number, visitor in enumerate(visitors):
        assert visitor.send("Again", "2").status_code == 201
        texts = [row["text"] for row in visitor.get("messages").json()["messages"]]
        assert texts == [f"Secret {number}", "Again"]
        assert f"Secret {1 - number}" not in visitor.get("transcript").content.decode()
    # Nor does a new conversation of the removed contact's visitor make another contact.
    for conversation in Conversation.objects.all():
        services.close(conversation=conversation)
    Conversation.objects.update(closed_at=timezone.now() - timedelta(days=2))
    assert visitors[1].send("New", "3").status_code == 201
    assert {row.contact for row in Conversation.objects.all()} == {kept}
    assert Contact.objects.get() == kept


def test_number_of_queries_does_not_depend_on_the_conversations(
    admin: User, webchat: Webchat, django_assert_max_num_queries: Any
) -> None:
    ada, eve = create(webchat.organization), create(webchat.organization)
    for _ in range(20):
        converse(eve, webchat, state="closed", closed_at=timezone.now())
    with django_assert_max_num_queries(30):
        merge = services.merge_contacts(kept=ada, removed=eve, user=admin)
    with django_assert_max_num_queries(30):
        services.undo_merge(merge=merge, user=admin)
    assert eve.conversations.count() == 20
