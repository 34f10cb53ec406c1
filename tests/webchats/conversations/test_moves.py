"""Moves of contacts from stage to stage: every interface writes one row for each."""

from functools import partial
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from rest_framework.test import APIClient

from organizations.models import Pipeline, Stage, User
from tests.support import factories
from tests.support.clients import log_in
from tests.support.threads import run_at_once
from webchats.conversations import services
from webchats.conversations.contacts import update_contact
from webchats.conversations.errors import MovedMeanwhile
from webchats.conversations.models import Contact, StageMove
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


@pytest.fixture
def stages(webchat: Webchat) -> list[Stage]:
    """The stages of a pipeline: Inquiry, Offer and Won."""
    pipeline = factories.PipelineFactory.create(organization=webchat.organization, name="Sales")
    return [
        factories.StageFactory.create(pipeline=pipeline, name=name, position=position)
        for position, name in enumerate(["Inquiry", "Offer", "Won"])
    ]


@pytest.fixture
def contact(webchat: Webchat, stages: list[Stage]) -> Contact:
    """A contact in the first stage."""
    contact: Contact = factories.ContactFactory.create(
        webchat=webchat, name="Ada", pipeline=stages[0].pipeline, stage=stages[0]
    )
    return contact


def test_move_stores_user_stages_and_time(contact: Contact, stages: list[Stage], rep: User) -> None:
    moved = services.move(contact=contact, stage=stages[1], user=rep, expected_stage=stages[0])
    (move,) = contact.moves.all()
    assert (move.from_stage, move.from_stage_name) == (stages[0], "Inquiry")
    assert (move.to_stage, move.to_stage_name, move.to_pipeline_name) == (
        stages[1],
        "Offer",
        "Sales",
    )
    assert (move.moved_by, move.moved_by_name) == (rep, rep.get_full_name())
    assert move.organization_id == contact.organization_id
    contact.refresh_from_db()
    assert contact.stage == stages[1]
    assert contact.stage_entered_at == moved.stage_entered_at == move.at
    services.move(contact=contact, stage=stages[1], user=rep)
    assert StageMove.objects.count() == 1


def test_move_from_another_stage_is_refused_and_names_the_first_user(
    contact: Contact, stages: list[Stage], rep: User, admin: User
) -> None:
    services.move(contact=contact, stage=stages[2], user=admin)
    with pytest.raises(MovedMeanwhile) as refused:
        services.move(contact=contact, stage=stages[1], user=rep, expected_stage=stages[0])
    name = admin.get_full_name()
    assert str(refused.value.detail) == f"{name} has moved Ada to Won meanwhile."
    assert StageMove.objects.count() == 1


def test_contact_leaves_its_stage_and_keeps_its_pipeline(
    contact: Contact, stages: list[Stage], rep: User
) -> None:
    moved = services.move(contact=contact, stage=None, user=rep)
    assert (moved.stage, moved.stage_entered_at, moved.pipeline) == (None, None, stages[0].pipeline)
    assert str(StageMove.objects.get()) == "Inquiry → No stage"


@pytest.mark.parametrize("kind", ["inactive", "foreign"])
def test_contact_cannot_enter_a_stage_that_is(
    kind: str, contact: Contact, stages: list[Stage], rep: User
) -> None:
    if kind == "inactive":
        stage = factories.StageFactory.create(pipeline=stages[0].pipeline, is_active=False)
    else:
        stage = factories.StageFactory.create()
    with pytest.raises(ValidationError):
        services.move(contact=contact, stage=stage, user=rep)
    contact.refresh_from_db()
    assert contact.stage == stages[0]
    assert not StageMove.objects.exists()


def test_first_message_is_a_move_without_user_into_the_entry_stage(
    webchat: Webchat, stages: list[Stage]
) -> None:
    webchat.pipeline, webchat.initial_stage = stages[0].pipeline, "Inquiry"
    webchat.set_entry_stage()
    webchat.save()
    send = partial(
        services.send_visitor_message, webchat=webchat, visitor_id="a" * 32, text="Hello"
    )
    send(client_key="1")
    send(client_key="2", contact={"name": "Ada"})
    move = StageMove.objects.get()
    assert (move.from_stage, move.to_stage, move.moved_by) == (None, stages[0], None)
    assert Contact.objects.get().stage_entered_at == move.at


def test_message_with_details_keeps_a_move_that_was_made_meanwhile(
    contact: Contact, stages: list[Stage], rep: User, webchat: Webchat
) -> None:
    read_before = Contact.objects.get()
    services.move(contact=contact, stage=stages[1], user=rep)
    update_contact(webchat, read_before, {"email": "ada@example.com"}, {})
    contact.refresh_from_db()
    assert (contact.stage, contact.email) == (stages[1], "ada@example.com")
    assert StageMove.objects.count() == 1


def test_admin_form_and_inbox_write_moves(contact: Contact, stages: list[Stage], rep: User) -> None:
    client = log_in(rep)
    url = reverse("admin:conversations_contact_change", args=[contact.pk])
    values = {
        "name": "Ada",
        "email": "",
        "phone": "",
        "status": "",
        "pipeline": contact.pipeline_id,
    }
    assert client.post(url, {**values, "stage": stages[1].pk}).status_code == 302
    conversation = factories.ConversationFactory.create(webchat=contact.webchat, contact=contact)
    named = {f"contact-{name}": value for name, value in values.items()}
    client.post(
        reverse("inbox:edit-contact", args=[conversation.pk]),
        {**named, "contact-stage": stages[2].pk},
    )
    moves = StageMove.objects.values_list("from_stage_name", "to_stage_name", "moved_by")
    assert list(moves) == [("Offer", "Won", rep.pk), ("Inquiry", "Offer", rep.pk)]


# --- API ---


def test_sales_rep_moves_a_contact_and_reads_its_moves(
    api: Any, rep: User, contact: Contact, stages: list[Stage]
) -> None:
    url = f"/api/contacts/{contact.pk}"
    body = {"stageId": stages[1].pk, "fromStageId": stages[0].pk}
    document = api(rep).put(url, body).json()["data"]
    assert (document["stageId"], "fromStageId" in document) == (stages[1].pk, False)
    api(rep).put(url, {"stageId": stages[2].pk})
    page = api(rep).get(f"{url}/moves", {"limit": 1}).json()
    (move,) = page["data"]
    assert (move["fromStageName"], move["toStageName"]) == ("Offer", "Won")
    assert (move["movedBy"], move["movedByName"]) == (rep.pk, rep.get_full_name())
    cursor = page["pagination"]["next"]
    (first,) = api(rep).get(f"{url}/moves", {"cursor": cursor}).json()["data"]
    assert first["at"] == document["stageEnteredAt"]


def test_api_refuses_a_move_from_another_stage_and_writes_nothing(
    api_client: APIClient, contact: Contact, stages: list[Stage], rep: User
) -> None:
    services.move(contact=contact, stage=stages[2], user=rep)
    body = {"name": "Mine", "stageId": stages[1].pk, "fromStageId": stages[0].pk}
    response = api_client.put(f"/api/contacts/{contact.pk}", body)
    assert (response.status_code, response.json()["code"]) == (409, "moved_meanwhile")
    (detail,) = response.json()["details"]
    assert (detail["stageId"], detail["stage"], detail["movedByName"]) == (
        stages[2].pk,
        "Won",
        rep.get_full_name(),
    )
    contact.refresh_from_db()
    assert (contact.name, contact.stage) == ("Ada", stages[2])
    nowhere = api_client.put(f"/api/contacts/{contact.pk}", {"fromStageId": None})
    assert nowhere.status_code == 409


@pytest.mark.parametrize("value", ["x", 7, [], "0" * 24 + "\n"])
def test_malformed_stage_before_a_move_is_no_server_error(
    api_client: APIClient, contact: Contact, value: object
) -> None:
    response = api_client.put(f"/api/contacts/{contact.pk}", {"fromStageId": value})
    assert response.status_code in (400, 409)


# --- Deletion and concurrency ---


def test_stage_with_past_moves_only_can_be_deleted_and_its_name_remains(
    api_client: APIClient, contact: Contact, stages: list[Stage], rep: User
) -> None:
    services.move(contact=contact, stage=stages[1], user=rep)
    pipeline = Pipeline.objects.get()
    kept = [{"_id": stage.pk, "name": stage.name} for stage in stages[1:]]
    response = api_client.put(f"/api/pipelines/{pipeline.pk}", {"stages": kept})
    assert response.status_code == 200, response.content
    rep.delete()
    move = StageMove.objects.get()
    assert (move.from_stage, move.from_stage_name) == (None, "Inquiry")
    assert (move.moved_by, move.moved_by_name) == (None, rep.get_full_name())


@pytest.mark.django_db(transaction=True)
def test_one_of_two_simultaneous_moves_of_a_contact_is_refused(
    contact: Contact, stages: list[Stage], rep: User, admin: User
) -> None:
    users = [rep, admin]

    def attempt(number: int) -> str:
        try:
            services.move(
                contact=contact,
                stage=stages[1 + number],
                user=users[number],
                expected_stage=stages[0],
            )
        except MovedMeanwhile as refused:
            return str(refused.detail)
        return ""

    results = run_at_once(2, attempt)
    winner = results.index("")
    move = StageMove.objects.get()
    assert (move.moved_by, move.to_stage) == (users[winner], stages[1 + winner])
    name = users[winner].get_full_name()
    expected = f"{name} has moved Ada to {stages[1 + winner].name} meanwhile."
    assert results[1 - winner] == expected
