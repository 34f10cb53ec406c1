"""The compiled look-ups for a new message find what the plain queries find."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from organizations.models import User
from tests.support import factories
from tests.support.threads import run_at_once
from tests.support.visitors import Visitor
from webchat_project.api.object_ids import new_object_id
from webchats.conversations import message_queries, services
from webchats.conversations.models import Conversation, Message, UnsentText
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


@pytest.fixture
def conversations(admin: User, other_admin: User) -> list[Conversation]:
    """Two visitors' conversations in two organizations, whose messages have the same keys."""
    for user in (admin, other_admin):
        webchat = factories.WebchatFactory.create(user=user, allowed_domains=["shop.example.com"])
        for visitor in (Visitor(webchat), Visitor(webchat)):
            for key in ("one", "two"):
                assert visitor.send(key=key).status_code == 201
    return list(Conversation.objects.order_by("pk"))


def _columns(row: Any) -> dict[str, Any] | None:
    if row is None:
        return None
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_the_webchat_comes_with_its_organization(
    conversations: list[Conversation], django_assert_num_queries: Any
) -> None:
    for expected in Webchat.objects.select_related("organization"):
        with django_assert_num_queries(1):
            found = message_queries.find_webchat(expected.pk)
            assert found is not None
            assert _columns(found.organization) == _columns(expected.organization)
        assert _columns(found) == _columns(expected)
        assert _columns(message_queries.find_prompt(found)) == _columns(expected.prompt)
    assert message_queries.find_webchat("none") is None
    assert message_queries.find_prompt(Webchat()) is None


def test_messages_are_found_by_key_among_those_of_one_visitor(
    conversations: list[Conversation],
) -> None:
    for row in conversations:
        assert row.webchat is not None
        for key in ("one", "two", "three"):
            expected = _columns(row.messages.filter(client_key=key).first())
            found = message_queries.find_sent_by_visitor(row.webchat, row.visitor_id, key)
            assert _columns(found) == expected
            assert _columns(message_queries.find_sent(row, key)) == expected
    assert Message.objects.filter(client_key="one").count() == 4


def test_the_newest_conversation_and_its_contact_are_found(
    conversations: list[Conversation],
) -> None:
    for row in conversations:
        assert row.webchat is not None
        copy = Conversation.objects.get(pk=row.pk)
        copy.pk = new_object_id()
        services.close(conversation=row)
        copy.save(force_insert=True)
        expected = Conversation.objects.of_visitor(row.webchat, row.visitor_id).first()
        with transaction.atomic():
            newest = message_queries.lock_newest(row.webchat, row.visitor_id)
        found = message_queries.find_newest(row.webchat, row.visitor_id)
        assert _columns(newest) == _columns(found) == _columns(expected)
        assert _columns(message_queries.find_contact(row.contact_id)) == _columns(row.contact)
        with transaction.atomic():
            assert message_queries.lock_newest(row.webchat, "other") is None


def test_a_conversation_is_found_for_the_members_of_its_organization(
    conversations: list[Conversation], admin: User, other_admin: User
) -> None:
    superuser = factories.SuperuserFactory.create()
    for user in (admin, other_admin, superuser):
        for row in conversations:
            expected = Conversation.objects.for_user(user).filter(pk=row.pk).first()
            assert _columns(message_queries.find_for_user(user, row.pk)) == _columns(expected)


def test_lookups_that_lock_are_marked(conversations: list[Conversation]) -> None:
    row = conversations[0]
    assert row.webchat is not None
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        assert _columns(message_queries.lock_by_id(row.pk)) == _columns(row)
        message_queries.lock_newest(row.webchat, row.visitor_id)
        message_queries.find_newest(row.webchat, row.visitor_id)
    locking = ["FOR NO KEY UPDATE" in query["sql"] for query in queries.captured_queries]
    assert locking == [connection.features.has_select_for_update] * 2 + [False]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite locks no rows.")
def test_look_ups_that_lock_need_a_transaction(conversations: list[Conversation]) -> None:
    row = conversations[0]
    webchat = row.webchat
    assert webchat is not None
    look_ups: list[Callable[[int], object]] = [
        lambda _: Conversation.objects.select_for_update().get(pk=row.pk),
        lambda _: message_queries.lock_by_id(row.pk),
        lambda _: message_queries.lock_newest(webchat, row.visitor_id),
    ]
    for look_up in look_ups:
        look_up(0)  # compiled from here on
        with pytest.raises(TransactionManagementError, match="outside of a transaction"):
            run_at_once(1, look_up)


def test_only_the_users_own_unsent_text_is_found(
    conversations: list[Conversation], admin: User, other_admin: User
) -> None:
    row = conversations[0]
    services.save_unsent_text(conversation=row, user=admin, text="Not yet")
    assert UnsentText.objects.count() == 1
    assert message_queries.has_unsent_text(row.pk, admin.pk)
    assert not message_queries.has_unsent_text(row.pk, other_admin.pk)
    assert not message_queries.has_unsent_text(conversations[1].pk, admin.pk)
