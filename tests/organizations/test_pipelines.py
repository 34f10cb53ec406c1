"""The API of pipelines with their stages."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from organizations.models import Pipeline, Stage, User
from tests.support import factories
from tests.support.responses import error_codes

pytestmark = pytest.mark.django_db


@pytest.fixture
def pipeline(admin: User) -> Pipeline:
    """A pipeline with the stages New, Qualified and Won."""
    pipeline = factories.PipelineFactory.create(organization=admin.organization)
    for position, name in enumerate(("New", "Qualified", "Won")):
        factories.StageFactory.create(
            pipeline=pipeline, name=name, slug=name.lower(), position=position
        )
    return pipeline


def stored_stages(pipeline: Pipeline) -> list[tuple[str, str]]:
    """Return the name and slug of each stage, in order."""
    return list(Stage.objects.filter(pipeline=pipeline).values_list("name", "slug"))


def get_document(client: APIClient, pipeline: Pipeline) -> dict[str, Any]:
    document: dict[str, Any] = client.get(f"/api/pipelines/{pipeline.pk}").json()["data"]
    return document


def test_create_pipeline_with_stages_in_order(api_client: APIClient) -> None:
    stages = [{"name": "New"}, {"name": "In Talks!", "color": "#abc"}, {"name": "新しい"}]
    document = api_client.post("/api/pipelines", {"name": "Sales", "stages": stages}).json()["data"]
    created = [(stage["name"], stage["slug"], stage["color"]) for stage in document["stages"]]
    assert created[:2] == [("New", "new", "#6B7280"), ("In Talks!", "in-talks", "#aabbcc")]
    assert created[2][1] == f"stage-{document['stages'][2]['_id']}"
    assert [
        stage["_id"] for stage in get_document(api_client, Pipeline.objects.get())["stages"]
    ] == [stage["_id"] for stage in document["stages"]]


@pytest.mark.parametrize("body", [{}, {"stages": None}, {"stages": []}])
def test_pipeline_without_stages_is_valid(api_client: APIClient, body: dict[str, Any]) -> None:
    response = api_client.post("/api/pipelines", {"name": "Sales", **body})
    assert (response.status_code, response.json()["data"]["stages"]) == (201, [])


def test_put_of_the_unchanged_document_keeps_stages(
    api_client: APIClient, pipeline: Pipeline
) -> None:
    document = get_document(api_client, pipeline)
    response = api_client.put(f"/api/pipelines/{pipeline.pk}", document)
    assert response.status_code == 200
    assert response.json()["data"]["stages"] == document["stages"]
    assert get_document(api_client, pipeline)["stages"] == document["stages"]


def test_update_without_stages_keeps_them(api_client: APIClient, pipeline: Pipeline) -> None:
    api_client.put(f"/api/pipelines/{pipeline.pk}", {"name": "Renamed"})
    assert [name for name, _ in stored_stages(pipeline)] == ["New", "Qualified", "Won"]


def test_update_replaces_the_list_of_stages(api_client: APIClient, pipeline: Pipeline) -> None:
    new, _, won = get_document(api_client, pipeline)["stages"]
    sent = [{"_id": won["_id"]}, {"name": "Lost"}, {"_id": new["_id"], "name": "Fresh"}]
    response = api_client.put(f"/api/pipelines/{pipeline.pk}", {"stages": sent})
    assert response.status_code == 200
    assert stored_stages(pipeline) == [("Won", "won"), ("Lost", "lost"), ("Fresh", "new")]


def test_two_stages_can_swap_names_and_slugs(api_client: APIClient, pipeline: Pipeline) -> None:
    new, qualified, won = get_document(api_client, pipeline)["stages"]
    new["name"], won["name"] = won["name"], new["name"]
    new["slug"], won["slug"] = won["slug"], new["slug"]
    response = api_client.put(f"/api/pipelines/{pipeline.pk}", {"stages": [new, qualified, won]})
    assert response.status_code == 200
    assert stored_stages(pipeline) == [("Won", "won"), ("Qualified", "qualified"), ("New", "new")]


@pytest.mark.parametrize(
    ("stages", "fields"),
    [
        ([{"name": "A"}, {"name": "a"}], {"stages.1.name": "unique"}),
        (
            [{"name": "dup", "color": "red"}, {"name": "Dup"}, {"slug": "x"}],
            {"stages.0.color": "invalid", "stages.1.name": "unique", "stages.2.name": "required"},
        ),
        (
            [{"_id": "0" * 24, "name": "", "color": "red"}],
            {
                "stages.0._id": "does_not_exist",
                "stages.0.name": "blank",
                "stages.0.color": "invalid",
            },
        ),
        ([{"name": "A", "slug": "x"}, {"name": "B", "slug": "x"}], {"stages.1.slug": "unique"}),
        ([{"name": "A", "slug": "Not A Slug"}], {"stages.0.slug": "invalid"}),
        ([{"name": "A", "color": "red"}], {"stages.0.color": "invalid"}),
        (
            [{"name": "A"}, {"name": ""}, {}],
            {"stages.1.name": "blank", "stages.2.name": "required"},
        ),
        (
            [{"name": "A", "isActive": 1}, 5],
            {"stages.0.isActive": "invalid", "stages.1": "invalid"},
        ),
        ([{"name": "A", "_id": "0" * 24}], {"stages.0._id": "does_not_exist"}),
        ([{"name": "A", "_id": "x"}], {"stages.0._id": "invalid"}),
        ([None], {"stages.0": "null"}),
        ([{"name": f"S{n}"} for n in range(101)], {"stages": "max_length"}),
        ("New", {"stages": "not_a_list"}),
    ],
    ids=lambda value: str(value)[:50],
)
def test_errors_of_stages_have_their_index(
    api_client: APIClient, stages: Any, fields: dict[str, str]
) -> None:
    response = api_client.post("/api/pipelines", {"name": "Sales", "stages": stages})
    assert error_codes(response) == fields
    assert not Pipeline.objects.exists()


def test_null_in_a_stage_means_the_default(api_client: APIClient) -> None:
    sent = {"_id": None, "name": "A", "slug": None, "color": None, "isActive": None}
    response = api_client.post("/api/pipelines", {"name": "Sales", "stages": [sent]})
    (stage,) = response.json()["data"]["stages"]
    assert (stage["slug"], stage["color"], stage["isActive"]) == ("a", "#6B7280", True)


def test_generated_slugs_are_unique(api_client: APIClient) -> None:
    stages = [{"name": "C"}, {"name": "C#"}, {"name": "C++"}]
    response = api_client.post("/api/pipelines", {"name": "Languages", "stages": stages})
    slugs = [stage["slug"] for stage in response.json()["data"]["stages"]]
    assert slugs == ["c", "c-2", "c-3"]


def test_response_reports_errors_of_stages_and_other_fields(
    api_client: APIClient, pipeline: Pipeline
) -> None:
    sent = {"name": "", "stages": [{"color": "red"}, {"slug": "x"}]}
    response = api_client.put(f"/api/pipelines/{pipeline.pk}", sent)
    assert error_codes(response).keys() == {
        "name",
        "stages.0.color",
        "stages.0.name",
        "stages.1.name",
    }


def test_update_requires_a_name_for_a_new_stage(api_client: APIClient, pipeline: Pipeline) -> None:
    before = stored_stages(pipeline)
    response = api_client.put(f"/api/pipelines/{pipeline.pk}", {"stages": [{"color": "#000"}]})
    assert error_codes(response).keys() == {"stages.0.name"}
    assert stored_stages(pipeline) == before


def test_it_rejects_stage_of_another_pipeline(
    api_client: APIClient, pipeline: Pipeline, other_admin: User
) -> None:
    for owner in (pipeline.organization, other_admin.organization):
        other = factories.StageFactory.create(pipeline__organization=owner)
        sent = {"stages": [{"_id": other.pk, "name": "Mine"}]}
        response = api_client.put(f"/api/pipelines/{pipeline.pk}", sent)
        assert error_codes(response) == {"stages.0._id": "does_not_exist"}
        other.refresh_from_db()
        assert other.name != "Mine"


def test_it_rejects_duplicate_stage_id(api_client: APIClient, pipeline: Pipeline) -> None:
    stage = get_document(api_client, pipeline)["stages"][0]
    sent = {"stages": [{"_id": stage["_id"]}, {"_id": stage["_id"], "name": "Again"}]}
    response = api_client.put(f"/api/pipelines/{pipeline.pk}", sent)
    assert error_codes(response) == {"stages.1._id": "unique"}


def test_new_default_replaces_the_current_one(
    api_client: APIClient, pipeline: Pipeline, other_admin: User
) -> None:
    other = factories.PipelineFactory.create(organization=other_admin.organization, is_default=True)
    assert api_client.put(f"/api/pipelines/{pipeline.pk}", {"isDefault": True}).status_code == 200
    response = api_client.post("/api/pipelines", {"name": "Second", "isDefault": True})
    assert response.status_code == 201
    defaults = Pipeline.objects.filter(is_default=True).values_list("pk", flat=True)
    assert set(defaults) == {response.json()["data"]["_id"], other.pk}


def test_history_records_that_a_pipeline_is_no_longer_the_default(
    api_client: APIClient, pipeline: Pipeline
) -> None:
    api_client.put(f"/api/pipelines/{pipeline.pk}", {"isDefault": True})
    api_client.post("/api/pipelines", {"name": "Second", "isDefault": True})
    latest = pipeline.history.first()
    assert latest is not None
    assert (latest.history_type, latest.is_default) == ("~", False)


def test_delete_pipeline_with_its_stages(api_client: APIClient, pipeline: Pipeline) -> None:
    assert api_client.delete(f"/api/pipelines/{pipeline.pk}").status_code == 200
    assert not Stage.objects.exists()


def test_response_lists_the_names_that_a_stage_does_not_have(
    api_client: APIClient, pipeline: Pipeline
) -> None:
    body = {"stages": [{"name": "New"}, {"name": "Won", "colour": "#FFF"}], "isdefault": True}
    response = api_client.put(f"/api/pipelines/{pipeline.pk}", body)
    assert response.status_code == 200
    assert response.json()["ignored"] == ["isdefault", "stages.1.colour"]
