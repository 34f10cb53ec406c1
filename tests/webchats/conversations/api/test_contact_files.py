"""Contacts that members add, import and export, in the API and in the admin site."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from rest_framework.test import APIClient

from organizations.models import Stage, User
from tests.support import factories
from webchats.conversations.models import Contact, StageMove

pytestmark = pytest.mark.django_db

URL = "/api/contacts"
LIST = "/admin/conversations/contact/"


@pytest.fixture
def head(admin: User) -> User:
    return factories.UserFactory.create(
        organization=admin.organization, access_role="DEPARTMENT_HEAD"
    )


@pytest.fixture
def stage(admin: User) -> Stage:
    return factories.StageFactory.create(pipeline__organization=admin.organization, name="Offer")


def upload(client: Any, content: str, query: str = "") -> Any:
    file = SimpleUploadedFile("in.csv", content.encode())
    return client.post(f"{URL}/import{query}", {"file": file}, format="multipart")


def test_department_head_adds_a_contact(api: Any, head: User, stage: Stage) -> None:
    body = {
        "name": " Ada ",
        "email": "ADA@example.com",
        "pipelineId": stage.pipeline_id,
        "stageId": stage.pk,
        "webchatId": "0" * 24,
    }
    response = api(head).post(URL, body)
    assert response.status_code == 201, response.content
    document = response.json()["data"]
    assert response["Location"] == f"{URL}/{document['_id']}"
    assert document["name"] == "Ada"
    assert document["email"] == "ada@example.com"
    assert document["webchatId"] is None
    assert document["firstSeenAt"] == document["lastSeenAt"]
    contact = Contact.objects.get()
    assert (contact.organization, contact.stage) == (head.organization, stage)
    assert contact.history.get().history_user == head
    move = StageMove.objects.get()
    assert (move.to_stage, move.moved_by) == (stage, head)
    assert contact.stage_entered_at == move.at


def test_contact_needs_a_name_an_address_or_a_number(api_client: APIClient) -> None:
    response = api_client.post(URL, {"status": "new", "name": " "})
    assert response.status_code == 400
    assert response.json()["details"] == [
        {
            "field": "name",
            "code": "missing",
            "message": "Enter a name, an e-mail address or a phone number.",
        }
    ]
    response = api_client.post(URL, {"email": "ada"})
    assert [detail["field"] for detail in response.json()["details"]] == ["email"]
    assert api_client.post(URL, {"phone": "+49 30 1"}).status_code == 201


def test_superuser_adds_a_contact_to_an_organization(
    api: Any, superuser: User, admin: User, stage: Stage
) -> None:
    body = {"name": "Ada", "organizationId": admin.organization_id}
    assert api(superuser).post(URL, body).status_code == 201
    theirs = factories.StageFactory.create()
    body |= {"pipelineId": theirs.pipeline_id, "stageId": theirs.pk}
    response = api(superuser).post(URL, body)
    assert [detail["field"] for detail in response.json()["details"]] == ["pipelineId"]
    assert api(superuser).post(URL, {"name": "Ada"}).status_code == 400


def test_sales_rep_adds_imports_and_exports_no_contacts(api: Any, rep: User) -> None:
    contact = factories.ContactFactory.create(webchat=None, organization=rep.organization)
    client = api(rep)
    assert client.post(URL, {"name": "Ada"}).status_code == 403
    assert upload(client, "name\nAda\n").status_code == 403
    assert client.get(f"{URL}/export").status_code == 403
    assert client.delete(f"{URL}/{contact.pk}").status_code in (403, 405)
    assert Contact.objects.get() == contact


def test_list_is_filtered_by_email_in_any_case(api_client: APIClient, admin: User) -> None:
    ada = factories.ContactFactory.create(
        webchat=None, organization=admin.organization, email="ada@example.com"
    )
    factories.ContactFactory.create(webchat=None, organization=admin.organization)
    for email in ("ada@example.com", " ADA@example.com"):
        found = api_client.get(URL, {"email": email}).json()["data"]
        assert [row["_id"] for row in found] == [ada.pk]
    assert api_client.get(URL, {"email": "ada"}).json()["data"] == []


def test_department_head_exports_the_filtered_contacts_and_imports_them(
    api: Any, head: User, stage: Stage, other_admin: User
) -> None:
    factories.ContactFactory.create(webchat__user=other_admin, name="Theirs")
    factories.ContactFactory.create(webchat=None, organization=head.organization, name="Eve")
    ada = factories.ContactFactory.create(
        webchat=None,
        organization=head.organization,
        name="=Ada",
        pipeline=stage.pipeline,
        stage=stage,
    )
    response = api(head).get(f"{URL}/export?stageId={stage.pk}")
    content = b"".join(response.streaming_content).decode("utf-8-sig")
    assert content.splitlines() == [
        "_id,name,email,phone,pipelineId,pipeline,stageId,stage,status,locale",
        f"{ada.pk},'=Ada,,,{stage.pipeline_id},{stage.pipeline.name},{stage.pk},Offer,,",
    ]
    report = upload(api(head), content, "?update=true").json()["data"]
    assert (report["unchanged"], report["rejected"]) == (1, 0)
    response = upload(api(head), content)
    assert response.status_code == 400
    assert response.json()["details"][0]["field"] == "_id"


def test_ids_of_another_organization_are_unknown_to_an_import(
    api: Any, head: User, other_admin: User
) -> None:
    theirs = factories.ContactFactory.create(webchat__user=other_admin, name="Theirs")
    problems = [
        upload(api(head), f"_id,name\n{pk},Mine\n", "?update=true").json()["details"]
        for pk in (theirs.pk, "0" * 24)
    ]
    assert problems[0] == problems[1] != []
    theirs.refresh_from_db()
    assert theirs.name == "Theirs"


def test_admin_site_adds_imports_and_exports_contacts(
    session_client: Any, admin: User, stage: Stage
) -> None:
    page = session_client.get(f"{LIST}add/").content.decode()
    assert "Visits" not in page
    form = {"name": "Ada", "pipeline": stage.pipeline_id, "stage": stage.pk}
    assert session_client.post(f"{LIST}add/", form).status_code == 302
    contact = Contact.objects.get()
    assert (contact.organization, contact.stage) == (admin.organization, stage)
    assert StageMove.objects.get().moved_by == admin
    form = session_client.post(f"{LIST}add/", {"status": "x"}).context["adminform"].form
    assert form.errors["name"] == ["Enter a name, an e-mail address or a phone number."]
    action = {"action": "export_csv", "_selected_action": [contact.pk]}
    content = b"".join(session_client.post(LIST, action).streaming_content)
    file = SimpleUploadedFile("in.csv", content)
    context = session_client.post(f"{LIST}import/", {"file": file, "update": "on"}).context
    assert context["report"].unchanged == 1
    sample = b"".join(session_client.get(f"{LIST}import/sample.csv").streaming_content)
    context = session_client.post(
        f"{LIST}import/", {"file": SimpleUploadedFile("in.csv", sample)}
    ).context
    session_client.post(f"{LIST}import/confirm/", {"pending": context["pending"].pk})
    assert Contact.objects.filter(email="ada@example.com").exists()


def test_admin_site_offers_sales_reps_no_import_and_no_export(client: Client, rep: User) -> None:
    contact = factories.ContactFactory.create(webchat=None, organization=rep.organization)
    client.force_login(rep)
    page = client.get(LIST).content.decode()
    assert "export_csv" not in page
    assert f"{LIST}import/" not in page
    assert client.get(f"{LIST}import/").status_code == 403
    action = {"action": "export_csv", "_selected_action": [contact.pk]}
    assert not client.post(LIST, action, follow=True).streaming
