"""The pages of the admin site that export and erase a person."""

from typing import Any

import pytest
from django.test import Client

from organizations.models import Job, User
from tests.support import factories
from tests.support.clients import log_in
from webchats.conversations.models import Contact, Erasure
from webchats.conversations.privacy.erasure import erase
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


@pytest.fixture
def contact(webchat: Webchat) -> Contact:
    """A contact with a conversation."""
    contact: Contact = factories.ContactFactory.create(
        webchat=webchat, name="Grace Hopper", email="grace@example.com"
    )
    factories.ConversationFactory.create(webchat=webchat, contact=contact, last_sequence=2)
    return contact


def url_of(contact: Contact, name: str) -> str:
    return f"/admin/privacy/contacts/{contact.pk}/{name}/"


@pytest.mark.parametrize("text", ["grace hopper", "Grace@example.com"])
def test_typed_name_or_address_starts_the_erasure(
    session_client: Client, admin: User, contact: Contact, text: str
) -> None:
    url = url_of(contact, "erase")
    page = session_client.get(url).content.decode()
    for line in ("<li>1 conversation</li>", "<li>2 messages</li>", "Grace Hopper"):
        assert line in page
    response = session_client.post(url, {"confirmation": text})
    erasure = Erasure.objects.get()
    assert response.status_code == 302
    assert response.headers["Location"] == f"/admin/privacy/erasures/{erasure.pk}/"
    assert (erasure.requested_by, Job.objects.get(kind="erasure").key) == (admin, erasure.pk)
    # The page of a running erasure is that of its progress.
    assert session_client.get(url).headers["Location"] == response.headers["Location"]


@pytest.mark.parametrize("text", ["", "Grace", "yes"])
def test_another_text_erases_nothing(session_client: Client, contact: Contact, text: str) -> None:
    response = session_client.post(url_of(contact, "erase"), {"confirmation": text})
    assert response.status_code == 422
    assert not Erasure.objects.exists()


def test_contact_without_a_name_is_confirmed_by_the_name_that_lists_show(
    session_client: Client, webchat: Webchat
) -> None:
    contact = factories.ContactFactory.create(webchat=webchat, name="")
    url = url_of(contact, "erase")
    assert f"Type “{contact}”." in session_client.get(url).content.decode()
    assert session_client.post(url, {"confirmation": str(contact)}).status_code == 302


def test_page_shows_the_progress_until_it_is_done(session_client: Client, contact: Contact) -> None:
    session_client.post(url_of(contact, "erase"), {"confirmation": "Grace Hopper"})
    erasure = Erasure.objects.get()
    url = f"/admin/privacy/erasures/{erasure.pk}/"
    assert "Waiting for a worker" in session_client.get(url).content.decode()
    part = session_client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert f'hx-get="{url}"' in part
    steps = erase(erasure)
    next(steps)
    assert "1 of 1 deleted" in session_client.get(url).content.decode()
    list(steps)
    page = session_client.get(url).content.decode()
    assert "The person is erased" in page
    assert "hx-get" not in page
    assert "Grace" not in page
    listed = session_client.get("/admin/conversations/erasure/").content.decode()
    assert erasure.contact_id in listed
    assert ">Done<" in listed
    change = session_client.get(f"/admin/conversations/erasure/{erasure.pk}/change/")
    assert "The person is erased" in change.content.decode()


def test_pages_are_for_the_roles_that_may(
    admin: User, rep: User, contact: Contact, webchat: Webchat
) -> None:
    head = factories.UserFactory.create(
        organization=admin.organization, access_role="DEPARTMENT_HEAD"
    )
    other = factories.UserFactory.create()
    erasure = factories.ErasureFactory.create(organization=admin.organization)
    pages = [
        url_of(contact, "export"),
        url_of(contact, "erase"),
        f"/admin/privacy/erasures/{erasure.pk}/",
        "/admin/conversations/erasure/",
    ]
    expected = {
        rep: [403, 403, 403, 403],
        head: [200, 403, 403, 403],
        admin: [200, 200, 200, 200],
        other: [404, 404, 404, 200],
    }
    for user, statuses in expected.items():
        client = log_in(user)
        responses: list[Any] = [client.get(page) for page in pages]
        assert [response.status_code for response in responses] == statuses, user.access_role
        for response in responses:
            if response.streaming:
                b"".join(response)
    assert log_in(other).post(pages[1], {"confirmation": "Grace Hopper"}).status_code == 404
    assert erasure.contact_id not in log_in(other).get(pages[3]).content.decode()
    assert Client().get(pages[1]).status_code == 302
