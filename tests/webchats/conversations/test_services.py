"""The actions on conversations."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from rest_framework.exceptions import Throttled

from organizations.models import User
from tests.support import factories
from webchats.conversations import services
from webchats.conversations.errors import (
    AnsweredMeanwhile,
    ConversationClosed,
    VisitorMovedOn,
    WebchatDeleted,
)
from webchats.conversations.models import Author, Contact, Conversation, Message, Note
from webchats.conversations.models.note import MAX_NOTES
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

VISITOR = "a" * 32
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


def send(webchat: Webchat, text: str = "Hello", key: str = "", **options: Any) -> services.Sent:
    """Send a visitor's message, with a new client key unless one is given."""
    key = key or f"key-{Message.objects.count()}"
    visitor = options.pop("visitor_id", VISITOR)
    return services.send_visitor_message(
        webchat=webchat, visitor_id=visitor, text=text, client_key=key, **options
    )


def answer(conversation: Conversation, user: User, text: str = "Hi", **options: Any) -> Message:
    key = options.pop("client_key", f"rep-{Message.objects.count()}")
    sent = services.send_rep_message(
        conversation=conversation, user=user, text=text, client_key=key, **options
    )
    return sent.message


def get_log(conversation: Conversation) -> list[str]:
    """Return the messages of a conversation as ``author: text or event``, in order."""
    rows = Message.objects.filter(conversation=conversation).order_by("sequence")
    assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
    return [f"{row.author}: {row.text or row.event}" for row in rows]


# --- The first message ---


def test_the_first_message_makes_contact_and_conversation(admin: User) -> None:
    stage = factories.StageFactory.create(pipeline__organization=admin.organization)
    webchat = factories.WebchatFactory.create(
        user=admin, pipeline=stage.pipeline, entry_stage=stage, initial_stage=stage.name
    )
    message = send(webchat, contact={"name": "Ada"}, page={"url": "https://example.com/"}).message
    conversation = message.conversation
    contact = conversation.contact
    assert (contact.name, contact.stage, contact.status) == ("Ada", stage, stage.name)
    assert (contact.pipeline, contact.webchat) == (stage.pipeline, webchat)
    assert contact.page_url == "https://example.com/"
    assert (conversation.state, conversation.handler) == ("open", "waiting")
    assert conversation.organization == admin.organization
    assert get_log(conversation) == ["visitor: Hello"]


def test_a_second_message_continues_the_conversation(webchat: Webchat) -> None:
    first = send(webchat, "One").message.conversation
    second = send(webchat, "Two").message.conversation
    assert first == second
    assert get_log(first) == ["visitor: One", "visitor: Two"]
    assert Contact.objects.count() == 1


def test_each_visitor_has_a_conversation_of_their_own(webchat: Webchat) -> None:
    one, other = send(webchat), send(webchat, visitor_id="b" * 32)
    assert one.message.conversation != other.message.conversation


def test_the_same_visitor_id_in_another_webchat_is_another_visitor(admin: User) -> None:
    one, other = factories.WebchatFactory.create_batch(2, user=admin)
    assert send(one).message.conversation != send(other).message.conversation


def test_a_repeated_client_key_returns_the_first_message(webchat: Webchat) -> None:
    first = send(webchat, "One", "key")
    again = send(webchat, "Something else", "key")
    assert (first.created, again.created) == (True, False)
    assert again.message == first.message
    assert again.message.text == "One"


def test_a_repeated_client_key_does_not_reopen_the_conversation(webchat: Webchat) -> None:
    conversation = send(webchat, key="key").message.conversation
    services.close(conversation=conversation)
    assert not send(webchat, key="key").created
    conversation.refresh_from_db()
    assert conversation.state == "closed"


def test_details_do_not_replace_a_representatives_input(webchat: Webchat) -> None:
    contact = send(webchat, contact={"name": "Ada"}).message.conversation.contact
    Contact.objects.filter(pk=contact.pk).update(name="Ada Lovelace")
    send(webchat, contact={"name": "Eve", "email": "ada@example.com"})
    contact.refresh_from_db()
    assert (contact.name, contact.email) == ("Ada Lovelace", "ada@example.com")


def test_a_later_message_leaves_the_stage_alone(webchat: Webchat) -> None:
    contact = send(webchat).message.conversation.contact
    stage = factories.StageFactory.create(pipeline__organization=webchat.organization)
    Contact.objects.filter(pk=contact.pk).update(pipeline=stage.pipeline, stage=stage)
    send(webchat)
    contact.refresh_from_db()
    assert contact.stage == stage


@pytest.mark.parametrize(
    ("is_masked", "stored"), [(True, "•••• •••• •••• 1111"), (False, "4111 1111 1111 1111")]
)
def test_card_numbers_are_masked_unless_the_organization_keeps_them(
    webchat: Webchat, is_masked: bool, stored: str
) -> None:
    webchat.organization.mask_card_numbers = is_masked
    message = send(webchat, "4111 1111 1111 1111").message
    message.refresh_from_db()
    assert message.text == stored
    assert message.conversation.last_message_preview == stored


# --- Answers ---


def test_an_answer_takes_the_conversation_over(webchat: Webchat, rep: User) -> None:
    rep.full_name = "Sam Rep"
    conversation = send(webchat).message.conversation
    message = answer(conversation, rep)
    conversation.refresh_from_db()
    assert (conversation.handler, conversation.assignee) == ("rep", rep)
    assert message.author_name == "Sam"
    assert get_log(conversation) == ["visitor: Hello", "system: joined", "rep: Hi"]


def test_a_message_without_a_name_never_shows_the_address(webchat: Webchat) -> None:
    user = factories.UserFactory.create(organization=webchat.organization, full_name="")
    message = answer(send(webchat).message.conversation, user)
    assert message.author_name == "Team"


def test_waiting_ends_with_the_answer(webchat: Webchat, rep: User) -> None:
    with time_machine.travel(NOW, tick=False):
        conversation = send(webchat).message.conversation
    with time_machine.travel(NOW + timedelta(minutes=1), tick=False):
        send(webchat, "Anybody?")
    conversation.refresh_from_db()
    assert conversation.waiting_since == NOW
    with time_machine.travel(NOW + timedelta(minutes=2), tick=False):
        answer(conversation, rep)
    conversation.refresh_from_db()
    assert conversation.waiting_since is None
    assert conversation.first_reply_at == NOW + timedelta(minutes=2)


def test_an_answer_after_another_one_is_refused(webchat: Webchat, rep: User, admin: User) -> None:
    conversation = send(webchat).message.conversation
    theirs = answer(conversation, admin, after=1)
    with pytest.raises(AnsweredMeanwhile) as raised:
        answer(conversation, rep, after=1)
    assert raised.value.answer == theirs
    assert answer(conversation, rep, after=theirs.sequence).text == "Hi"


def test_my_own_answer_does_not_refuse_my_next_one(webchat: Webchat, rep: User) -> None:
    conversation = send(webchat).message.conversation
    answer(conversation, rep, after=1)
    assert answer(conversation, rep, "And", after=1).text == "And"


def test_a_repeated_client_key_of_an_answer_returns_the_first(webchat: Webchat, rep: User) -> None:
    conversation = send(webchat).message.conversation
    first = answer(conversation, rep, client_key="key")
    assert answer(conversation, rep, "Again", client_key="key") == first


def test_unread_is_counted_from_the_last_message_read(webchat: Webchat, rep: User) -> None:
    conversation = send(webchat).message.conversation
    send(webchat)
    conversation.refresh_from_db()
    assert conversation.unread == 2
    services.mark_read(conversation=conversation, reader=Author.REP, sequence=1)
    conversation.refresh_from_db()
    assert conversation.unread == 1
    answer(conversation, rep)
    conversation.refresh_from_db()
    assert conversation.unread == 0


@pytest.mark.parametrize(("sequence", "stored"), [(1, 2), (99, 3), (3, 3), (0, 2)])
def test_a_read_position_never_decreases_or_exceeds_the_end(
    webchat: Webchat, sequence: int, stored: int
) -> None:
    conversation = send(webchat).message.conversation
    send(webchat)
    send(webchat)
    services.mark_read(conversation=conversation, reader=Author.REP, sequence=2)
    services.mark_read(conversation=conversation, reader=Author.REP, sequence=sequence)
    conversation.refresh_from_db()
    assert conversation.organization_read_sequence == stored


# --- Closing and reopening ---


def test_closing_twice_closes_once(webchat: Webchat, rep: User) -> None:
    conversation = send(webchat).message.conversation
    for _ in range(2):
        services.close(conversation=conversation, user=rep)
    assert get_log(conversation) == ["visitor: Hello", "system: closed"]
    conversation.refresh_from_db()
    assert conversation.closed_by == "rep"
    assert services.reopen(conversation=conversation, user=rep).closed_by == ""
    assert services.close(conversation=conversation).closed_by == "visitor"


def test_a_closed_conversation_takes_no_answer(webchat: Webchat, rep: User) -> None:
    conversation = send(webchat).message.conversation
    services.close(conversation=conversation)
    with pytest.raises(ConversationClosed):
        answer(conversation, rep)
    with pytest.raises(ConversationClosed):
        services.take_over(conversation=conversation, user=rep)
    assert get_log(conversation) == ["visitor: Hello", "system: closed"]


@pytest.mark.parametrize(("is_active", "handler"), [(True, "rep"), (False, "waiting")])
def test_a_message_within_a_day_reopens(
    webchat: Webchat, rep: User, is_active: bool, handler: str
) -> None:
    with time_machine.travel(NOW, tick=False):
        conversation = send(webchat).message.conversation
        answer(conversation, rep)
        services.close(conversation=conversation, user=rep)
    User.objects.filter(pk=rep.pk).update(is_active=is_active)
    with time_machine.travel(NOW + timedelta(hours=24), tick=False):
        assert send(webchat, "Once more").message.conversation == conversation
    conversation.refresh_from_db()
    assert (conversation.state, conversation.handler) == ("open", handler)
    assert conversation.assignee == (rep if is_active else None)
    assert get_log(conversation)[-2:] == ["system: reopened", "visitor: Once more"]


def test_a_message_after_a_day_starts_another_conversation(webchat: Webchat) -> None:
    with time_machine.travel(NOW, tick=False):
        first = send(webchat).message.conversation
        services.close(conversation=first)
    with time_machine.travel(NOW + timedelta(hours=24, seconds=1), tick=False):
        second = send(webchat).message.conversation
    assert second != first
    assert second.contact == first.contact


def test_the_check_of_a_new_conversation_runs_outside_the_transaction(webchat: Webchat) -> None:
    outside, seen = list(connection.savepoint_ids), list[list[str]]()

    def check_start() -> None:
        seen.append(list(connection.savepoint_ids))

    with time_machine.travel(NOW, tick=False):
        first = send(webchat, check_start=check_start).message.conversation
        send(webchat, check_start=check_start)
        services.close(conversation=first)
        reopened = send(webchat, check_start=check_start).message.conversation
        services.close(conversation=first)
    assert (reopened, seen) == (first, [outside])
    with time_machine.travel(NOW + timedelta(hours=24, seconds=1), tick=False):
        send(webchat, check_start=check_start)
    assert seen == [outside] * 2


def test_a_refused_start_stores_nothing(webchat: Webchat) -> None:
    def check_start() -> None:
        raise Throttled

    with pytest.raises(Throttled):
        send(webchat, contact={"name": "Ada"}, check_start=check_start)
    assert not any(model.objects.exists() for model in (Contact, Conversation, Message))


def test_reopening_beside_another_open_conversation_is_refused(webchat: Webchat, rep: User) -> None:
    with time_machine.travel(NOW, tick=False):
        first = send(webchat).message.conversation
        services.close(conversation=first)
    with time_machine.travel(NOW + timedelta(days=2), tick=False):
        send(webchat)
        with pytest.raises(VisitorMovedOn):
            services.reopen(conversation=first, user=rep)
    first.refresh_from_db()
    assert first.state == "closed"


def test_conversation_of_a_deleted_webchat_cannot_be_reopened(webchat: Webchat, rep: User) -> None:
    conversation = send(webchat).message.conversation
    webchat.delete()
    with pytest.raises(WebchatDeleted):
        services.reopen(conversation=conversation, user=rep)
    conversation.refresh_from_db()
    assert conversation.state == "closed"


def test_asking_for_a_person_reports_the_hand_over_once(webchat: Webchat) -> None:
    conversation = send(webchat).message.conversation
    Conversation.objects.filter(pk=conversation.pk).update(handler="ai")
    for _ in range(2):
        services.ask_for_person(conversation=conversation)
    conversation.refresh_from_db()
    assert conversation.handler == "waiting"
    assert get_log(conversation) == ["visitor: Hello", "system: handed_over"]


def test_asking_for_a_person_after_an_answer_starts_the_wait(webchat: Webchat) -> None:
    conversation = send(webchat).message.conversation
    Conversation.objects.filter(pk=conversation.pk).update(handler="ai", waiting_since=None)
    with time_machine.travel(NOW, tick=False):
        services.ask_for_person(conversation=conversation)
    conversation.refresh_from_db()
    assert conversation.waiting_since == NOW


# --- Deletion ---


def test_conversations_of_a_deleted_webchat_stay_and_are_closed(webchat: Webchat) -> None:
    conversation = send(webchat).message.conversation
    webchat.delete()
    conversation.refresh_from_db()
    assert (conversation.webchat, conversation.state) == (None, "closed")
    assert conversation.closed_at is not None
    assert get_log(conversation) == ["visitor: Hello"]


def test_messages_of_a_deleted_representative_keep_their_name(webchat: Webchat, rep: User) -> None:
    rep.full_name = "Sam Rep"
    conversation = send(webchat).message.conversation
    message = answer(conversation, rep)
    rep.delete()
    message.refresh_from_db()
    conversation.refresh_from_db()
    assert (message.user, message.author_name, conversation.assignee) == (None, "Sam", None)


@pytest.mark.parametrize("deleted", ["webchat", "representative"])
def test_deletion_takes_as_many_queries_for_many_conversations(
    webchat: Webchat, deleted: str
) -> None:
    def count_queries(conversations: int) -> int:
        row: Webchat | User = factories.WebchatFactory.create(user=webchat.user)
        if deleted == "representative":
            row = factories.UserFactory.create(organization=webchat.organization)
        for number in range(conversations):
            owner = row if isinstance(row, Webchat) else webchat
            visitor_id = f"{number:032x}"
            conversation = send(owner, visitor_id=visitor_id).message.conversation
            if isinstance(row, User):
                services.take_over(conversation=conversation, user=row)
        with CaptureQueriesContext(connection) as queries:
            row.delete()
        still_open = Conversation.objects.open()
        assert not still_open.filter(webchat=None).exists()
        assert not still_open.filter(assignee=None, handler="rep").exists()
        return len(queries)

    # Django updates rows by a hundred at a time.
    assert count_queries(101) == count_queries(1)


def test_a_deleted_organization_takes_its_conversations_along(webchat: Webchat) -> None:
    stage = factories.StageFactory.create(pipeline__organization=webchat.organization)
    contact = send(webchat).message.conversation.contact
    Contact.objects.filter(pk=contact.pk).update(pipeline=stage.pipeline, stage=stage)
    webchat.organization.delete()
    assert not Conversation.objects.exists()
    assert not Contact.objects.exists()


# --- The database ---


def test_the_database_rejects_a_second_open_conversation_of_a_visitor(webchat: Webchat) -> None:
    conversation = send(webchat).message.conversation
    with pytest.raises(IntegrityError):
        factories.ConversationFactory.create(webchat=webchat, visitor_id=conversation.visitor_id)


def test_the_database_rejects_a_sequence_that_exists(webchat: Webchat) -> None:
    message = send(webchat).message
    with pytest.raises(IntegrityError):
        Message.objects.create(
            conversation=message.conversation, sequence=1, author="visitor", text="x"
        )


@pytest.mark.django_db(transaction=True)
def test_concurrent_messages_have_sequences_without_gaps(webchat: Webchat) -> None:
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        barrier.wait()
        try:
            for count in range(3):
                send(webchat, f"{number}", f"{number}-{count}")
                # The answer got lost, so the client sends again.
                send(webchat, f"{number}", f"{number}-{count}")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    conversation = Conversation.objects.get()
    assert len(get_log(conversation)) == conversation.last_sequence == 24
    assert Contact.objects.count() == 1


def test_a_conversation_has_a_limited_number_of_notes(webchat: Webchat, rep: User) -> None:
    conversation = send(webchat).message.conversation
    Note.objects.bulk_create(
        Note(conversation=conversation, user=rep, text="Remember") for _ in range(MAX_NOTES)
    )
    with pytest.raises(ValidationError, match="at most 200 notes"):
        services.add_note(conversation=conversation, user=rep, text="One more")
    assert conversation.notes.count() == MAX_NOTES
    conversation.notes.all().delete()
    Note.objects.bulk_create(
        Note(conversation=conversation, user=rep, text="🌍" * 4_000) for _ in range(16)
    )
    with pytest.raises(ValidationError, match="256 KiB"):
        services.add_note(conversation=conversation, user=rep, text="🌍" * 4_000)
