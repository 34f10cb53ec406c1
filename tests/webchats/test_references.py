"""The prompt, pipeline and stages that a webchat refers to, in the API."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from organizations.models import Pipeline, Prompt, Stage, User
from tests.support import factories
from tests.webchats.api import validation_errors
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


# --- Prompt ---


def test_inactive_prompt_is_rejected(
    api_client: APIClient, body: dict[str, Any], prompt: Prompt
) -> None:
    Prompt.objects.filter(pk=prompt.pk).update(is_active=False)
    assert validation_errors(api_client.post("/api/webchats", body)) == {"promptId": "inactive"}


def test_webchat_with_deactivated_prompt_can_be_changed(
    api_client: APIClient, webchat: Webchat
) -> None:
    Prompt.objects.update(is_active=False)
    document = api_client.get(f"/api/webchats/{webchat.pk}").json()["data"]
    response = api_client.put(f"/api/webchats/{webchat.pk}", document | {"name": "Renamed"})
    assert response.status_code == 200
    webchat.refresh_from_db()
    assert webchat.name == "Renamed"


# --- Pipeline and stages ---


@pytest.mark.parametrize("text", ["Hot Leads", "hot leads", "HOT"])
def test_initial_stage_matches_name_or_slug_of_a_stage(
    api_client: APIClient, body: dict[str, Any], pipeline: Pipeline, stage: Stage, text: str
) -> None:
    sent = {"pipelineId": pipeline.pk, "initialStage": text}
    response = api_client.post("/api/webchats", body | sent)
    assert response.json()["data"]["initialStage"] == text
    assert Webchat.objects.get().entry_stage == stage


def test_initial_stage_missing_from_the_pipeline_is_rejected(
    api_client: APIClient, body: dict[str, Any], pipeline: Pipeline, stage: Stage
) -> None:
    response = api_client.post("/api/webchats", body | {"pipelineId": pipeline.pk})
    assert validation_errors(response) == {"initialStage": "does_not_exist"}
    assert "Hot Leads" in response.json()["details"][0]["message"]


def test_initial_stage_cannot_match_an_inactive_stage(
    api_client: APIClient, body: dict[str, Any], pipeline: Pipeline, stage: Stage
) -> None:
    Stage.objects.update(is_active=False)
    sent = {"pipelineId": pipeline.pk, "initialStage": "hot"}
    assert validation_errors(api_client.post("/api/webchats", body | sent)) == {
        "initialStage": "does_not_exist"
    }


def test_pipeline_stage_takes_precedence_over_initial_stage(
    api_client: APIClient, body: dict[str, Any], pipeline: Pipeline, stage: Stage
) -> None:
    sent = {"pipelineId": pipeline.pk, "pipelineStage": stage.pk, "initialStage": "anything"}
    assert api_client.post("/api/webchats", body | sent).status_code == 201
    assert Webchat.objects.get().entry_stage == stage
    assert Webchat.objects.get().initial_stage == "anything"


def test_webchat_without_pipeline_has_no_entry_stage(
    api_client: APIClient, body: dict[str, Any]
) -> None:
    assert api_client.post("/api/webchats", body).status_code == 201
    assert Webchat.objects.get().entry_stage is None


def test_pipeline_stage_without_pipeline_is_rejected(
    api_client: APIClient, body: dict[str, Any], stage: Stage
) -> None:
    response = api_client.post("/api/webchats", body | {"pipelineStage": stage.pk})
    assert validation_errors(response) == {"pipelineStage": "invalid"}


def test_stage_of_another_pipeline_is_rejected(
    api_client: APIClient, body: dict[str, Any], admin: User, stage: Stage
) -> None:
    other = factories.PipelineFactory.create(organization=admin.organization)
    sent = {"pipelineId": other.pk, "pipelineStage": stage.pk}
    assert validation_errors(api_client.post("/api/webchats", body | sent)) == {
        "pipelineStage": "does_not_exist"
    }


def test_pipeline_cannot_be_removed_while_its_stage_is_set(
    api_client: APIClient, webchat: Webchat, stage: Stage
) -> None:
    path = f"/api/webchats/{webchat.pk}"
    placement = {"pipelineId": stage.pipeline_id, "pipelineStage": stage.pk}
    assert api_client.put(path, placement).status_code == 200
    assert validation_errors(api_client.put(path, {"pipelineId": None})) == {
        "pipelineStage": "invalid"
    }
    assert api_client.put(path, dict.fromkeys(placement)).status_code == 200
    webchat.refresh_from_db()
    assert (webchat.pipeline, webchat.pipeline_stage, webchat.entry_stage) == (None, None, None)


@pytest.mark.parametrize("resource", ["prompts", "pipelines"])
def test_prompt_or_pipeline_in_use_cannot_be_deleted(
    api_client: APIClient, webchat: Webchat, stage: Stage, resource: str
) -> None:
    api_client.put(
        f"/api/webchats/{webchat.pk}", {"pipelineId": stage.pipeline_id, "initialStage": "hot"}
    )
    key = {"prompts": webchat.prompt_id, "pipelines": stage.pipeline_id}[resource]
    response = api_client.delete(f"/api/{resource}/{key}")
    assert (response.status_code, response.json()["code"]) == (409, "in_use")
    assert "It is in use by 1 webchat" in response.json()["error"]
    assert api_client.get(f"/api/{resource}/{key}").status_code == 200


@pytest.mark.parametrize("by_id", [True, False])
def test_entry_stage_of_a_webchat_cannot_be_deleted(
    api_client: APIClient, webchat: Webchat, stage: Stage, by_id: bool
) -> None:
    placement: dict[str, Any] = {"pipelineId": stage.pipeline_id, "initialStage": "hot"}
    if by_id:
        placement |= {"pipelineStage": stage.pk, "initialStage": "label"}
    assert api_client.put(f"/api/webchats/{webchat.pk}", placement).status_code == 200
    response = api_client.put(
        f"/api/pipelines/{stage.pipeline_id}", {"stages": [{"name": "Other"}]}
    )
    assert (response.status_code, response.json()["code"]) == (409, "in_use")
    assert [stored.name for stored in Stage.objects.all()] == ["Hot Leads"]
