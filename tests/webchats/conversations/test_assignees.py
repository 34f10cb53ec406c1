"""The conversations of representatives who are deactivated or deleted."""

import pytest
from django.test import Client

from organizations.models import User
from tests.support import factories
from webchats.conversations.models import Conversation
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
