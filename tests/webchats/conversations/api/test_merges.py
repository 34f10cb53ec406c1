"""Duplicates and merges of contacts in the API."""

from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from organizations.models import Organization, User
from tests.support import factories
from webchats.conversations import services
from webchats.conversations.duplicates import find_duplicates
from webchats.conversations.models import Contact, ContactMerge

pytestmark = pytest.mark.django_db

URL = "/api/contacts"
MERGES = "/api/contact-merges"


def create(organization: Organization, **values: Any) -> Contact:
    contact: Contact = factories.ContactFactory.create(
        webchat=None, organization=organization, **values
    )
    return contact


def test_duplicates_have_the_same_address_or_number(
    api: Any, rep: User, organization: Organization, other_admin: User
) -> None:
    ada = create(organization, email="ADA@example.com", phone="+49 (30) 12-34.56")
    both = create(organization, email="ada@example.com", phone="0049 30 123456")
    number = create(organization, phone="+4930/123456")
    create(organization, phone="+49 30 1234567", email="ada@example.org")
    factories.ContactFactory.create(webchat__user=other_admin, email="ada@example.com")
    found = api(rep).get(f"{URL}/{ada.pk}/duplicates").json()["data"]
    assert [(row["contact"]["_id"], row["matches"]) for row in found] == [
        (number.pk, ["phone"]),
        (both.pk, ["email", "phone"]),
    ]
    assert found[0]["contact"] == api(rep).get(f"{URL}/{number.pk}").json()["data"]


def test_contacts_without_address_and_number_have_no_duplicates(
    organization: Organization,
) -> None:
    rows = [create(organization, name="Ada", phone="12 34") for _ in range(2)]
    assert find_duplicates(rows[0]) == []


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite reads few rows anyway.")
def test_duplicates_are_read_from_indexes(
    organization: Organization, django_assert_num_queries: Any
) -> None:
    contact = create(organization, email="ada@example.com", phone="+49 30 123456")
    # Of few rows, any index would do.
    for number in range(60):
        create(organization, email=f"{number}@example.com", phone=f"+49 30 {number:06}")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE conversations_contact")
        cursor.execute("SET LOCAL enable_seqscan = off")
    with django_assert_num_queries(2) as queries:
        find_duplicates(contact)
    for query, index in zip(queries, ("contact_by_email", "contact_by_phone"), strict=True):
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {query['sql']}")
            assert index in str(cursor.fetchall())


def test_sales_rep_merges_two_contacts_and_undoes_it(
    api: Any, rep: User, organization: Organization
) -> None:
    ada = create(organization, name="Ada", phone="1")
    eve = create(organization, name="Eve", phone="2")
    body = {"contactId": eve.pk, "take": ["phone"]}
    response = api(rep).post(f"{URL}/{ada.pk}/merge", body)
    assert response.status_code == 200, response.content
    merge = response.json()["data"]
    document = api(rep).get(f"{URL}/{ada.pk}").json()["data"]
    assert (document["name"], document["phone"]) == ("Ada", "2")
    assert merge["removedContact"] == {"name": "Eve", "email": "", "phone": "2"}
    assert (merge["contactId"], merge["mergedBy"], merge["isUndoable"]) == (ada.pk, rep.pk, True)
    assert api(rep).get(f"{URL}/{eve.pk}").status_code == 404
    assert [row["_id"] for row in api(rep).get(URL).json()["data"]] == [ada.pk]
    assert api(rep).get(URL, {"search": "Eve"}).json()["data"] == []
    listed = api(rep).get(MERGES, {"isUndoable": "true", "contactId": ada.pk}).json()["data"]
    assert listed == [merge]
    assert api(rep).get(MERGES, {"isUndoable": "false"}).json()["data"] == []
    path = f"{MERGES}/{merge['_id']}/undo"
    undone = api(rep).post(path)
    assert undone.status_code == 200
    assert undone.json()["data"]["undoneBy"] == rep.pk
    assert undone.json()["data"]["removedContact"] is None
    assert api(rep).get(f"{URL}/{eve.pk}").json()["data"]["phone"] == "2"
    again = api(rep).post(path)
    assert (again.status_code, again.json()["code"]) == (409, "merge_final")


def test_contacts_of_two_organizations_are_not_merged(
    api: Any, admin: User, superuser: User, organization: Organization, other_admin: User
) -> None:
    ada = create(organization)
    theirs = factories.ContactFactory.create(webchat__user=other_admin)
    responses = [
        api(user).post(f"{URL}/{kept}/merge", {"contactId": removed})
        for user in (admin, superuser)
        for kept, removed in ((ada.pk, theirs.pk), (theirs.pk, ada.pk), (ada.pk, "0" * 24))
    ]
    assert [response.status_code for response in responses] == [404] * 6
    assert len({response.content for response in responses}) == 1
    assert not ContactMerge.objects.exists()


def test_merge_of_another_organization_is_unknown(api: Any, admin: User, other_admin: User) -> None:
    merge = factories.ContactMergeFactory.create(organization=other_admin.organization)
    assert api(admin).get(MERGES).json()["data"] == []
    assert api(admin).post(f"{MERGES}/{merge.pk}/undo").status_code == 404
    merge.refresh_from_db()
    assert merge.undone_at is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "contactId"),
        ({"contactId": "self"}, "contactId"),
        ({"contactId": "0" * 24, "take": ["page"]}, "take.0"),
        ({"contactId": "0" * 24, "take": "name"}, "take"),
    ],
)
def test_invalid_merge_is_refused(
    api_client: APIClient, organization: Organization, body: dict[str, Any], field: str
) -> None:
    ada = create(organization)
    if body.get("contactId") == "self":
        body = {"contactId": ada.pk}
    response = api_client.post(f"{URL}/{ada.pk}/merge", body)
    assert response.status_code == 400, response.content
    assert [detail["field"] for detail in response.json()["details"]] == [field]


def test_second_merge_of_a_contact_is_a_conflict_or_unknown(
    api: Any, admin: User, organization: Organization
) -> None:
    ada, eve = create(organization), create(organization)
    path, body = f"{URL}/{ada.pk}/merge", {"contactId": eve.pk}
    assert api(admin).post(path, body).status_code == 200
    assert api(admin).post(path, body).status_code == 404


def test_merge_is_not_undone_after_its_contact_was_deleted(
    api: Any, admin: User, organization: Organization
) -> None:
    ada = create(organization, name="Ada")
    merge = services.merge_contacts(kept=ada, removed=create(organization), user=admin)
    ada.delete()
    response = api(admin).post(f"{MERGES}/{merge.pk}/undo")
    assert response.status_code == 409
    message = "The contact was deleted meanwhile. The merge cannot be undone."
    assert response.json()["error"] == message
    document = api(admin).get(f"{MERGES}/{merge.pk}").json()["data"]
    assert (document["contactId"], document["removedContact"]) == (None, None)
