"""The page that merges two contacts in the admin site."""

import html
import re
from typing import Any

import pytest
from django.test import Client

from organizations.models import Organization, Stage, User
from tests.support import factories
from webchats.conversations import services
from webchats.conversations.models import Contact, ContactMerge

pytestmark = pytest.mark.django_db


@pytest.fixture
def contacts(organization: Organization) -> tuple[Contact, Contact]:
    """Two contacts with the same address, and different names and numbers."""
    ada, eve = (
        factories.ContactFactory.create(
            webchat=None, organization=organization, email="ada@example.com", **values
        )
        for values in ({"name": "Ada <b>", "phone": "1"}, {"name": "Eve", "status": "new"})
    )
    return ada, eve


def read_text(response: Any) -> str:
    """Return the text of a page, without tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def url(contact: Contact, other: Contact | None = None) -> str:
    query = f"?with={other.pk}" if other else ""
    return f"/admin/conversations/contact/{contact.pk}/merge/{query}"


def choose(client: Client, contact: Contact, other: Contact, **choices: Contact) -> Any:
    """Send the form with these choices in place of those that the page proposes."""
    form = client.get(url(contact, other)).context["form"]
    values = form.initial | {name: chosen.pk for name, chosen in choices.items()}
    return client.post(url(contact, other), values)


def test_page_of_a_contact_names_the_number_of_its_duplicates(
    session_client: Client, contacts: tuple[Contact, Contact]
) -> None:
    page = session_client.get(f"/admin/conversations/contact/{contacts[0].pk}/change/")
    assert "Merge: 1 possible duplicate" in read_text(page)
    assert url(contacts[0]) in page.content.decode()


def test_duplicates_and_found_contacts_are_offered(
    session_client: Client, contacts: tuple[Contact, Contact], other_admin: User
) -> None:
    ada, eve = contacts
    factories.ContactFactory.create(webchat__user=other_admin, name="Zoe of others")
    zoe = factories.ContactFactory.create(
        webchat=None, organization=ada.organization, name="Zoe", email="z@example.com"
    )
    page = session_client.get(url(ada))
    assert [row.contact for row in page.context["duplicates"]] == [eve]
    assert "Same e-mail address" in read_text(page)
    assert session_client.get(f"{url(ada)}?q=zoe").context["found"] == [zoe]
    nothing = session_client.get(f"{url(ada)}?q=<b>nobody")
    assert "No other contact matches “<b>nobody”." in read_text(nothing)


def test_sales_rep_chooses_the_kept_contact_and_each_value(
    client: Client, rep: User, contacts: tuple[Contact, Contact]
) -> None:
    ada, eve = contacts
    client.force_login(rep)
    page = client.get(url(ada, eve))
    form = page.context["form"]
    assert {*form.initial} == {"stay", "versions", "name", "phone", "status"}
    # Only this one has a status.
    assert form.initial["status"] == eve.pk
    assert form.same == [("E-mail address", "ada@example.com")]
    assert "Ada <b>" not in page.content.decode()
    response = choose(client, ada, eve, stay=eve, name=ada)
    assert response.headers["Location"] == url(eve)
    eve = Contact.objects.get()
    assert (eve.name, eve.phone, eve.status) == ("Ada <b>", "1", "new")
    merge = ContactMerge.objects.get()
    assert (merge.kept_id, merge.removed_id, merge.merged_by) == (eve.pk, ada.pk, rep)


def test_merge_is_undone_on_the_page(
    session_client: Client, admin: User, contacts: tuple[Contact, Contact]
) -> None:
    ada, eve = contacts
    merge = services.merge_contacts(kept=ada, removed=eve, user=admin)
    page = session_client.get(url(ada))
    assert [*page.context["merges"]] == [merge]
    assert "Eve Merged by" in read_text(page)
    response = session_client.post(f"{url(ada)}undo/", {"merge": merge.pk}, follow=True)
    assert "The merge was undone. Eve is a separate contact again." in read_text(response)
    assert Contact.objects.count() == 2
    again = session_client.post(f"{url(ada)}undo/", {"merge": merge.pk}, follow=True)
    assert "The merge was undone already." in read_text(again)
    unknown = session_client.post(f"{url(ada)}undo/", {"merge": "0" * 24}, follow=True)
    assert "The merge does not exist." in read_text(unknown)


def test_contact_that_was_changed_since_is_not_merged(
    session_client: Client, contacts: tuple[Contact, Contact]
) -> None:
    ada, eve = contacts
    form = session_client.get(url(ada, eve)).context["form"]
    eve.name = "Eva"
    eve.save()
    response = session_client.post(url(ada, eve), form.initial)
    assert response.status_code == 422
    assert "has been changed since you opened the page" in read_text(response)
    assert Contact.objects.count() == 2
    # The page shows the new values, so that a second attempt succeeds.
    form = response.context["form"]
    values = {name: form[name].value() for name in form.fields}
    assert session_client.post(url(ada, eve), values).status_code == 302


def test_incomplete_form_is_shown_again(
    session_client: Client, contacts: tuple[Contact, Contact]
) -> None:
    response = session_client.post(url(*contacts), {"stay": "0" * 24})
    assert response.status_code == 422
    assert {"stay", "name", "phone"} <= {*response.context["form"].errors}


def test_contact_that_was_merged_since_cannot_be_selected(
    session_client: Client, admin: User, contacts: tuple[Contact, Contact], stage: Stage
) -> None:
    ada, eve = contacts
    services.move(contact=eve, stage=stage, user=admin)
    assert "· Offer" in read_text(session_client.get(url(ada, eve)))
    services.merge_contacts(kept=ada, removed=eve, user=admin)
    page = session_client.get(url(ada, eve))
    assert "The other contact does not exist any more." in read_text(page)
    assert session_client.get(url(eve)).status_code == 302


def test_contact_of_another_organization_cannot_be_selected(
    session_client: Client, superuser: User, contacts: tuple[Contact, Contact], other_admin: User
) -> None:
    theirs = factories.ContactFactory.create(webchat__user=other_admin, name="Theirs")
    client = Client()
    client.force_login(superuser)
    for each in (session_client, client):
        page = each.get(url(contacts[0], theirs))
        assert "form" not in page.context
        assert "Theirs" not in read_text(page)


def test_history_of_the_contact_shows_the_merge(
    session_client: Client, admin: User, contacts: tuple[Contact, Contact]
) -> None:
    ada, eve = contacts
    services.merge_contacts(kept=ada, removed=eve, user=admin, take=[])
    text = f"Another contact was merged into this one ({eve.pk})."
    path = f"/admin/conversations/contact/{ada.pk}"
    for page in ("change", "history"):
        assert text in read_text(session_client.get(f"{path}/{page}/"))


@pytest.fixture
def stage(organization: Organization) -> Stage:
    return factories.StageFactory.create(pipeline__organization=organization, name="Offer")
