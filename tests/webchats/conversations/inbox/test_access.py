"""Access to the inbox: roles, and rows of other organizations, on every route."""

import pytest
from django.test import Client
from django.urls import reverse

from organizations.models import User
from tests.support import factories
from tests.support.clients import log_in
from tests.webchats.conversations.inbox.conftest import write
from webchats.conversations.inbox.built_in_views import BuiltInView
from webchats.conversations.inbox.urls import urlpatterns
from webchats.conversations.live.tokens import parse_staff_token
from webchats.conversations.models import Conversation, Message, Note
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

SECRET = "Foreign words"
#: The routes with the id of a conversation.
ROUTES = [str(pattern.name) for pattern in urlpatterns if "pk" in pattern.pattern.converters]
VALUES = {"mode": "reply", "text": "Hi", "client_key": "key", "sequence": "1"}


@pytest.fixture
def foreign(other_admin: User) -> Conversation:
    """A conversation of another organization."""
    return write(factories.WebchatFactory.create(user=other_admin, name=SECRET), SECRET)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_conversation_of_another_organization_is_a_404_like_an_unknown_one(
    route: str, method: str, rep_client: Client, foreign: Conversation
) -> None:
    before = Conversation.objects.filter(pk=foreign.pk).values().get()
    theirs, unknown, invalid = (
        getattr(rep_client, method)(reverse(f"inbox:{route}", args=[pk]), VALUES)
        for pk in (foreign.pk, "0" * 24, "no-id")
    )
    assert theirs.status_code == unknown.status_code == invalid.status_code
    assert theirs.status_code in (404, 405)
    assert SECRET not in theirs.content.decode()
    assert Conversation.objects.filter(pk=foreign.pk).values().get() == before
    assert (Message.objects.count(), Note.objects.count()) == (1, 0)


@pytest.mark.parametrize(
    "query", [*BuiltInView, "state=", "unread=true", "search=foreign", "state=&filters=1"]
)
def test_no_view_lists_conversations_of_another_organization(
    query: str, rep_client: Client, foreign: Conversation
) -> None:
    url = f"{reverse('inbox:list')}?{query}&organization={foreign.organization_id}"
    page = rep_client.get(url).content.decode()
    assert SECRET not in page
    assert "<title>Inbox | Webchats</title>" in page


def test_anonymous_user_is_redirected_to_sign_in(conversation: Conversation) -> None:
    for route in ROUTES:
        response = Client().post(reverse(f"inbox:{route}", args=[conversation.pk]))
        assert response.status_code == 302
        assert response.headers["Location"].startswith(reverse("admin:login"))
    for route in ("list", "token"):
        assert Client().get(reverse(f"inbox:{route}")).status_code == 302


@pytest.mark.parametrize("role", ["ADMIN", "DEPARTMENT_HEAD", "SALES_REP"])
def test_every_role_reads_and_answers(role: str, conversation: Conversation) -> None:
    user = factories.UserFactory.create(organization=conversation.organization, access_role=role)
    client = log_in(user)
    url = reverse("inbox:send", args=[conversation.pk])
    assert "Hello" in client.get(reverse("inbox:list")).content.decode()
    assert client.post(url, VALUES).status_code == 302
    assert Message.objects.filter(user=user, text="Hi").exists()


def test_deactivated_user_is_redirected_to_sign_in(rep: User, rep_client: Client) -> None:
    User.objects.filter(pk=rep.pk).update(is_active=False)
    assert rep_client.get(reverse("inbox:list")).status_code == 302


def test_superuser_chooses_an_organization(
    superuser: User, foreign: Conversation, conversation: Conversation
) -> None:
    client = log_in(superuser)
    url = reverse("inbox:list")
    choice = client.get(url).content.decode()
    assert foreign.organization.name in choice
    assert SECRET not in choice
    page = client.get(url, {"organization": foreign.organization_id}).content.decode()
    assert SECRET in page
    assert "Hello" not in page
    assert f'data-live-url="/live/organization?organization={foreign.organization_id}"' in page
    assert client.get(url, {"organization": "0" * 24}).status_code == 404
    # A link to a conversation leads to the list of its organization.
    url = reverse("inbox:conversation", args=[conversation.pk])
    page = client.get(url).content.decode()
    assert "Hello" in page
    assert SECRET not in page


def test_conversation_can_be_assigned_to_active_members_only(
    rep_client: Client, conversation: Conversation, other_admin: User
) -> None:
    inactive = factories.UserFactory.create(
        organization=conversation.organization, is_active=False, full_name="Former Member"
    )
    url = reverse("inbox:assign", args=[conversation.pk])
    for user in (inactive, other_admin):
        response = rep_client.post(url, {"assignee": user.pk})
        assert response.status_code == 422
        assert user.get_full_name() not in response.content.decode()
    conversation.refresh_from_db()
    assert conversation.assignee is None


def test_pages_have_the_policy_of_the_admin_site(
    rep_client: Client, conversation: Conversation
) -> None:
    response = rep_client.get(reverse("inbox:conversation", args=[conversation.pk]))
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "no-store" in response.headers["Cache-Control"]


def test_action_needs_the_csrf_token(rep: User, conversation: Conversation) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(rep)
    for route in set(ROUTES) - {"conversation"}:
        response = client.post(reverse(f"inbox:{route}", args=[conversation.pk]), VALUES)
        assert response.status_code == 403
    assert Message.objects.count() == 1


def test_token_is_for_the_streams_of_the_user(rep: User, rep_client: Client) -> None:
    response = rep_client.get(reverse("inbox:token"))
    token = parse_staff_token(response.json()["token"])
    assert (token["user_id"], response.json()["userId"]) == (rep.pk, rep.pk)
    assert len(response.json()["csrfToken"]) == 64
    assert "no-store" in response.headers["Cache-Control"]


def test_the_navigation_counts_waiting_conversations(
    webchat: Webchat, session_client: Client, foreign: Conversation
) -> None:
    page = session_client.get("/admin/").content.decode()
    assert 'id="nav-count-inbox"></span>' in page
    write(webchat)
    page = session_client.get("/admin/").content.decode()
    assert 'id="nav-count-inbox">1<span' in page
    factories.DraftFactory.create(conversation=write(webchat, visitor_id="d" * 32))
    Conversation.objects.filter(drafts__isnull=False).update(handler="ai")
    page = session_client.get("/admin/").content.decode()
    assert 'id="nav-count-inbox">2<span' in page
    assert "draft to approve" in page
    assert "<title>(2) Inbox" in session_client.get(reverse("inbox:list")).content.decode()
