"""The conversations of representatives who are deactivated or deleted."""

from typing import Any

import pytest
from django.test import Client

from organizations.models import User
from tests.support import factories
from webchats.conversations import assignees
from webchats.conversations.live import publishing
from webchats.conversations.models import Conversation
from webchats.conversations.presence import report_presence
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


def create(webchat: Webchat, rep: User, **fields: str) -> Conversation:
    return factories.ConversationFactory.create(webchat=webchat, assignee=rep, **fields)


def test_conversations_of_a_deactivated_user_wait_for_another_person(
    webchat: Webchat, rep: User, admin: User
) -> None:
    own = create(webchat, rep, handler="rep")
    of_the_ai = create(webchat, rep, handler="ai")
    closed = create(webchat, rep, handler="rep", state="closed")
    theirs = create(webchat, admin, handler="rep")
    rep.is_active = False
    rep.save()
    states = {
        row: (row.handler, row.assignee) for row in Conversation.objects.select_related("assignee")
    }
    assert states == {
        own: ("waiting", None),
        of_the_ai: ("ai", None),
        closed: ("rep", rep),
        theirs: ("rep", admin),
    }


def test_many_conversations_are_released_by_few_queries(
    webchat: Webchat,
    rep: User,
    admin: User,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    monkeypatch.setattr(assignees, "_BATCH", 20)
    automatic = factories.WebchatFactory.create(user=admin, is_auto_assigned=True)
    colleagues = factories.UserFactory.create_batch(2, organization=webchat.organization)
    for user in (rep, *colleagues):
        report_presence(organization_id=webchat.organization_id, user=user)
    contact = factories.ContactFactory.create(webchat=webchat)
    Conversation.objects.bulk_create(
        factories.ConversationFactory.build(
            organization=webchat.organization,
            webchat=webchat if number % 2 else automatic,
            contact=contact,
            assignee=rep,
            handler="rep",
        )
        for number in range(60)
    )
    before = Conversation.objects.order_by("updated_at").last()
    hints: list[publishing.Hint] = []
    publishing.add_listener(hints.append)
    rep.is_active = False
    with (
        django_capture_on_commit_callbacks(execute=True),
        # For each batch: the rows, who is online, and an update for each new assignee and nobody.
        django_assert_max_num_queries(3 * 5 + 8),
    ):
        rep.save()
    publishing.remove_listener(hints.append)
    waiting = Conversation.objects.waiting()
    assert before is not None
    assert waiting.filter(updated_at__gt=before.updated_at).count() == 60
    assert waiting.filter(webchat=webchat, assignee=None).count() == 30
    assert [waiting.filter(assignee=user).count() for user in colleagues] == [15, 15]
    # Streams of the inbox and of visitors.
    assert {hint["conversation"] for hint in hints} == {row.pk for row in waiting}
    assert {hint["visitor"] for hint in hints} == {row.visitor_id for row in waiting}


def test_other_changes_of_a_user_leave_their_conversations(webchat: Webchat, rep: User) -> None:
    own = create(webchat, rep, handler="rep")
    rep.full_name = "Sam"
    rep.save()
    rep.is_active = False
    rep.save(update_fields=["full_name"])
    own.refresh_from_db()
    assert own.assignee == rep


def test_deactivation_in_the_admin_site_releases_conversations(
    session_client: Client, webchat: Webchat, rep: User
) -> None:
    own = create(webchat, rep, handler="rep")
    body = {
        "email": rep.email,
        "full_name": "Sam",
        "display_name": "S.",
        "access_role": "SALES_REP",
    }
    url = f"/admin/organizations/user/{rep.pk}/change/"
    assert session_client.post(url, body).status_code == 302
    own.refresh_from_db()
    rep.refresh_from_db()
    assert (rep.is_active, rep.public_name) == (False, "S.")
    assert (own.handler, own.assignee) == ("waiting", None)


def test_open_conversations_of_a_deleted_user_wait_for_another_person(
    webchat: Webchat, rep: User
) -> None:
    own = create(webchat, rep, handler="rep")
    of_the_ai = create(webchat, rep, handler="ai")
    closed = create(webchat, rep, handler="rep", state="closed")
    User.objects.filter(pk=rep.pk).delete()
    states = {row: (row.handler, row.assignee) for row in Conversation.objects.all()}
    assert states == {own: ("waiting", None), of_the_ai: ("ai", None), closed: ("rep", None)}
    # A client that has read them before sees that they have changed.
    for row in (own, of_the_ai):
        assert Conversation.objects.get(pk=row.pk).updated_at > row.updated_at
