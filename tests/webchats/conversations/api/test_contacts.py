"""Contacts in the API."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from rest_framework.test import APIClient

from organizations.models import Stage, User
from tests.support import factories
from webchats.conversations import services
from webchats.conversations.models import Contact
from webchats.conversations.search import search_contacts
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

URL = "/api/contacts"


@pytest.fixture
def stage(webchat: Webchat) -> Stage:
    return factories.StageFactory.create(pipeline__organization=webchat.organization)


@pytest.fixture
def contact(webchat: Webchat) -> Contact:
    """A visitor who has written one message."""
    sent = services.send_visitor_message(
        webchat=webchat,
        visitor_id="a" * 32,
        text="Hello",
        client_key="1",
        page={"url": "https://example.com/pricing", "title": "Pricing", "referrer": ""},
    )
    return sent.message.conversation.contact


def errors(response: Any) -> dict[str, str]:
    """Return the codes of a validation error by field."""
    assert response.status_code == 400, response.content
    return {detail.get("field", ""): detail["code"] for detail in response.json()["details"]}


def test_document_has_the_fields_of_the_contract(
    api_client: APIClient, contact: Contact, webchat: Webchat
) -> None:
    document = api_client.get(f"{URL}/{contact.pk}").json()["data"]
    times = {name: document.pop(name) for name in list(document) if name.endswith("At")}
    assert times.pop("stageEnteredAt") is None
    assert times.keys() == {"firstSeenAt", "lastSeenAt", "createdAt", "updatedAt"}
    assert document == {
        "_id": contact.pk,
        "organizationId": webchat.organization_id,
        "webchatId": webchat.pk,
        "name": "",
        "email": "",
        "phone": "",
        "pipelineId": None,
        "stageId": None,
        "status": "new",
        "page": {"url": "https://example.com/pricing", "title": "Pricing", "referrer": ""},
        "locale": "",
    }
    assert api_client.get(URL).json()["data"] == [document | times | {"stageEnteredAt": None}]


def test_sales_rep_moves_a_contact_and_the_history_names_them(
    api: Any, rep: User, contact: Contact, stage: Stage
) -> None:
    body = {"pipelineId": stage.pipeline_id, "stageId": stage.pk, "email": "ADA@example.com "}
    response = api(rep).put(f"{URL}/{contact.pk}", body)
    assert response.status_code == 200, response.content
    assert response.json()["data"].items() >= (body | {"email": "ada@example.com"}).items()
    version = contact.history.first()
    assert (version.history_user, version.stage) == (rep, stage)
    assert contact.history.count() == 2


@pytest.mark.parametrize(("seconds", "is_later"), [(59, False), (60, True)])
def test_visit_makes_no_version(
    contact: Contact, webchat: Webchat, seconds: int, is_later: bool
) -> None:
    contact.refresh_from_db()
    with time_machine.travel(contact.last_seen_at + timedelta(seconds=seconds), tick=False):
        services.send_visitor_message(
            webchat=webchat, visitor_id="a" * 32, text="Again", client_key="2", page={"url": "x"}
        )
    visited = Contact.objects.get()
    assert (visited.last_seen_at > contact.last_seen_at) == is_later
    assert visited.page_url == "x"
    assert visited.row_version == contact.row_version
    assert contact.history.count() == 1


def test_stage_belongs_to_the_pipeline(
    api_client: APIClient, contact: Contact, stage: Stage, other_admin: User
) -> None:
    sibling = factories.StageFactory.create(pipeline=stage.pipeline, is_active=False)
    other = factories.PipelineFactory.create(organization=contact.organization)
    foreign = factories.StageFactory.create(pipeline__organization=other_admin.organization)

    def put(**body: str | None) -> Any:
        return api_client.put(f"{URL}/{contact.pk}", body)

    pipeline_id = stage.pipeline_id
    assert errors(put(stageId=stage.pk)) == {"stageId": "invalid"}
    both = put(pipelineId=other.pk, stageId=stage.pk)
    assert errors(both) == {"stageId": "does_not_exist"}
    both = put(pipelineId=pipeline_id, stageId=foreign.pk)
    assert errors(both) == {"stageId": "does_not_exist"}
    both = put(pipelineId=pipeline_id, stageId=sibling.pk)
    assert errors(both) == {"stageId": "inactive"}
    assert put(pipelineId=pipeline_id, stageId=stage.pk).status_code == 200
    # The stage would be one of another pipeline.
    assert errors(put(pipelineId=other.pk)) == {"stageId": "does_not_exist"}
    assert errors(put(pipelineId=None)) == {"stageId": "invalid"}
    stage.is_active = False
    stage.save()
    assert put(name="Ada", stageId=stage.pk).status_code == 200
    assert put(pipelineId=None, stageId=None).status_code == 200


def test_superuser_cannot_move_a_contact_to_a_pipeline_of_another_organization(
    api: Any, superuser: User, contact: Contact, other_admin: User
) -> None:
    foreign = factories.StageFactory.create(pipeline__organization=other_admin.organization)
    body = {"pipelineId": foreign.pipeline_id, "stageId": foreign.pk}
    assert errors(api(superuser).put(f"{URL}/{contact.pk}", body)) == {
        "pipelineId": "does_not_exist"
    }


def test_filters_and_search(api_client: APIClient, webchat: Webchat, stage: Stage) -> None:
    ada = factories.ContactFactory.create(
        webchat=webchat, name="Ada", pipeline=stage.pipeline, stage=stage
    )
    eve = factories.ContactFactory.create(webchat=webchat, name="Eve", email="eve@example.com")

    def found(query: str) -> list[str]:
        return [row["_id"] for row in api_client.get(f"{URL}?{query}").json()["data"]]

    for query, expected in {
        "": [eve.pk, ada.pk],
        "search=EXAMPLE": [eve.pk],
        f"stageId={stage.pk}": [ada.pk],
        f"pipelineId={stage.pipeline_id}": [ada.pk],
        f"webchatId={webchat.pk}&limit=1": [eve.pk],
        f"webchatId={'0' * 24}": [],
    }.items():
        assert found(query) == expected, query


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no such index.")
def test_search_uses_its_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    for text in ("lovelace", "Ada Lovelace", "ada@example.com"):
        assert "contact_search" in search_contacts(Contact.objects.order_by(), text).explain()


def test_short_text_is_searched_in_the_newest_contacts_of_the_organization(
    api_client: APIClient, webchat: Webchat, other_admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webchats.search.UNINDEXED_ROWS", 2)
    for number in range(3):
        factories.ContactFactory.create(webchat=webchat, name=f"¶{number}")
        factories.ContactFactory.create(webchat__user=other_admin, name=f"¶{number}")
    response = api_client.get(URL, {"search": "¶"})
    assert [row["name"] for row in response.json()["data"]] == ["¶2", "¶1"]


@pytest.mark.parametrize("kind", ["pipelines", "stages"])
def test_pipeline_or_stage_with_contacts_cannot_be_deleted(
    api_client: APIClient, webchat: Webchat, stage: Stage, kind: str
) -> None:
    factories.ContactFactory.create_batch(2, webchat=webchat, pipeline=stage.pipeline, stage=stage)
    path = f"/api/pipelines/{stage.pipeline_id}"
    response = (
        api_client.delete(path)
        if kind == "pipelines"
        else api_client.put(path, {"stages": [{"name": "Another"}]})
    )
    assert response.status_code == 409
    assert response.json() == {
        "error": "It is in use by 2 contacts and cannot be deleted.",
        "code": "in_use",
    }
    assert Stage.objects.get() == stage


def test_error_names_every_kind_of_row_that_uses_a_pipeline(
    api_client: APIClient, webchat: Webchat, stage: Stage
) -> None:
    factories.ContactFactory.create(webchat=webchat, pipeline=stage.pipeline)
    webchat.pipeline = stage.pipeline
    webchat.initial_stage = stage.name
    webchat.set_entry_stage()
    webchat.save()
    response = api_client.delete(f"/api/pipelines/{stage.pipeline_id}")
    assert response.json()["error"] == (
        "It is in use by 1 contact and 1 webchat and cannot be deleted."
    )
