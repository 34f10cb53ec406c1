"""Prompts, and pipelines with their stages, over the API."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from organizations.models import Pipeline, Prompt, Stage, User
from tests.support import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def pipeline(admin: User) -> Pipeline:
    """With the stages New, Qualified and Won."""
    made = factories.PipelineFactory.create(organization=admin.organization)
    for position, name in enumerate(("New", "Qualified", "Won")):
        factories.StageFactory.create(
            pipeline=made, name=name, slug=name.lower(), position=position
        )
    return made


def stages_of(pipeline: Pipeline) -> list[tuple[str, str]]:
    return list(Stage.objects.filter(pipeline=pipeline).values_list("name", "slug"))


def refused(answer: Any) -> dict[str, str]:
    assert answer.status_code == 400, answer.content
    return {detail["field"]: detail["code"] for detail in answer.json()["details"]}


def read(client: APIClient, pipeline: Pipeline) -> dict[str, Any]:
    document: dict[str, Any] = client.get(f"/api/pipelines/{pipeline.pk}").json()["data"]
    return document


# --- Prompts ---


def test_a_prompt_is_made_with_its_defaults(api_client: APIClient, admin: User) -> None:
    body = {"name": "Sales", "instructions": "Be brief."}
    answer = api_client.post("/api/prompts", body)
    assert answer.status_code == 201
    assert answer.json()["message"] == "Prompt created"
    document = answer.json()["data"]
    defaults = {"model": "", "temperature": 0.7, "maxTokens": 1024, "isActive": True}
    assert document.items() >= {**body, **defaults, "organizationId": admin.organization_id}.items()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "a" * 121),
        ("instructions", "a" * 20_001),
        ("instructions", " "),
        ("model", "a" * 101),
        ("temperature", 2.1),
        ("temperature", -0.1),
        ("temperature", "1"),
        ("temperature", True),
        ("temperature", 10**400),
        ("maxTokens", 0),
        ("maxTokens", 32_001),
        ("isActive", "no"),
    ],
)
def test_a_prompt_keeps_its_rules(api_client: APIClient, name: str, value: Any) -> None:
    body = {"name": "Sales", "instructions": "Be brief."}
    assert refused(api_client.post("/api/prompts", body | {name: value})).keys() == {name}
    assert not Prompt.objects.exists()


def test_an_unused_prompt_can_be_deleted(api_client: APIClient, admin: User) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    answer = api_client.delete(f"/api/prompts/{prompt.pk}")
    assert answer.json() == {"message": "Prompt deleted"}
    assert not Prompt.objects.exists()


def test_prompts_can_be_filtered(api_client: APIClient, admin: User) -> None:
    factories.PromptFactory.create(organization=admin.organization, name="On")
    factories.PromptFactory.create(organization=admin.organization, name="Off", is_active=False)
    answer = api_client.get("/api/prompts?isActive=false")
    assert [document["name"] for document in answer.json()["data"]] == ["Off"]


# --- Pipelines ---


def test_a_pipeline_is_made_with_its_stages_in_order(api_client: APIClient) -> None:
    stages = [{"name": "New"}, {"name": "In Talks!", "color": "#abc"}, {"name": "新しい"}]
    document = api_client.post("/api/pipelines", {"name": "Sales", "stages": stages}).json()["data"]
    made = [(stage["name"], stage["slug"], stage["color"]) for stage in document["stages"]]
    assert made[:2] == [("New", "new", "#6B7280"), ("In Talks!", "in-talks", "#aabbcc")]
    assert made[2][1] == f"stage-{document['stages'][2]['_id']}"
    assert [stage["_id"] for stage in read(api_client, Pipeline.objects.get())["stages"]] == [
        stage["_id"] for stage in document["stages"]
    ]


@pytest.mark.parametrize("body", [{}, {"stages": None}, {"stages": []}])
def test_a_pipeline_may_have_no_stages(api_client: APIClient, body: dict[str, Any]) -> None:
    answer = api_client.post("/api/pipelines", {"name": "Sales", **body})
    assert (answer.status_code, answer.json()["data"]["stages"]) == (201, [])


def test_a_pipeline_can_be_put_back_as_it_was_read(
    api_client: APIClient, pipeline: Pipeline
) -> None:
    document = read(api_client, pipeline)
    answer = api_client.put(f"/api/pipelines/{pipeline.pk}", document)
    assert answer.status_code == 200
    assert answer.json()["data"]["stages"] == document["stages"]
    assert read(api_client, pipeline)["stages"] == document["stages"]


def test_stages_stay_when_they_are_not_sent(api_client: APIClient, pipeline: Pipeline) -> None:
    api_client.put(f"/api/pipelines/{pipeline.pk}", {"name": "Renamed"})
    assert [name for name, _ in stages_of(pipeline)] == ["New", "Qualified", "Won"]


def test_the_sent_list_is_the_whole_list(api_client: APIClient, pipeline: Pipeline) -> None:
    new, _, won = read(api_client, pipeline)["stages"]
    sent = [{"_id": won["_id"]}, {"name": "Lost"}, {"_id": new["_id"], "name": "Fresh"}]
    answer = api_client.put(f"/api/pipelines/{pipeline.pk}", {"stages": sent})
    assert answer.status_code == 200
    assert stages_of(pipeline) == [("Won", "won"), ("Lost", "lost"), ("Fresh", "new")]


def test_two_stages_can_swap_their_names(api_client: APIClient, pipeline: Pipeline) -> None:
    new, qualified, won = read(api_client, pipeline)["stages"]
    new["name"], won["name"] = won["name"], new["name"]
    new["slug"], won["slug"] = won["slug"], new["slug"]
    answer = api_client.put(f"/api/pipelines/{pipeline.pk}", {"stages": [new, qualified, won]})
    assert answer.status_code == 200
    assert stages_of(pipeline) == [("Won", "won"), ("Qualified", "qualified"), ("New", "new")]


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
def test_a_wrong_stage_is_named_by_its_place(
    api_client: APIClient, stages: Any, fields: dict[str, str]
) -> None:
    answer = api_client.post("/api/pipelines", {"name": "Sales", "stages": stages})
    assert refused(answer) == fields
    assert not Pipeline.objects.exists()


def test_null_on_an_optional_field_of_a_stage_means_its_default(api_client: APIClient) -> None:
    stage = {"_id": None, "name": "A", "slug": None, "color": None, "isActive": None}
    answer = api_client.post("/api/pipelines", {"name": "Sales", "stages": [stage]})
    (made,) = answer.json()["data"]["stages"]
    assert (made["slug"], made["color"], made["isActive"]) == ("a", "#6B7280", True)


def test_names_that_make_one_slug_are_numbered(api_client: APIClient) -> None:
    stages = [{"name": "C"}, {"name": "C#"}, {"name": "C++"}]
    answer = api_client.post("/api/pipelines", {"name": "Languages", "stages": stages})
    slugs = [stage["slug"] for stage in answer.json()["data"]["stages"]]
    assert slugs == ["c", "c-2", "c-3"]


def test_wrong_stages_are_named_beside_other_wrong_fields(
    api_client: APIClient, pipeline: Pipeline
) -> None:
    sent = {"name": "", "stages": [{"color": "red"}, {"slug": "x"}]}
    answer = api_client.put(f"/api/pipelines/{pipeline.pk}", sent)
    assert refused(answer).keys() == {
        "name",
        "stages.0.color",
        "stages.0.name",
        "stages.1.name",
    }


def test_a_new_stage_needs_a_name_when_updating_too(
    api_client: APIClient, pipeline: Pipeline
) -> None:
    before = stages_of(pipeline)
    answer = api_client.put(f"/api/pipelines/{pipeline.pk}", {"stages": [{"color": "#000"}]})
    assert refused(answer).keys() == {"stages.0.name"}
    assert stages_of(pipeline) == before


def test_a_stage_of_another_pipeline_is_unknown(
    api_client: APIClient, pipeline: Pipeline, other_admin: User
) -> None:
    for owner in (pipeline.organization, other_admin.organization):
        other = factories.StageFactory.create(pipeline__organization=owner)
        sent = {"stages": [{"_id": other.pk, "name": "Mine"}]}
        answer = api_client.put(f"/api/pipelines/{pipeline.pk}", sent)
        assert refused(answer) == {"stages.0._id": "does_not_exist"}
        other.refresh_from_db()
        assert other.name != "Mine"


def test_a_stage_named_twice_is_refused(api_client: APIClient, pipeline: Pipeline) -> None:
    stage = read(api_client, pipeline)["stages"][0]
    sent = {"stages": [{"_id": stage["_id"]}, {"_id": stage["_id"], "name": "Again"}]}
    answer = api_client.put(f"/api/pipelines/{pipeline.pk}", sent)
    assert refused(answer) == {"stages.1._id": "unique"}


def test_a_new_default_takes_the_flag_from_the_old(
    api_client: APIClient, pipeline: Pipeline, other_admin: User
) -> None:
    theirs = factories.PipelineFactory.create(
        organization=other_admin.organization, is_default=True
    )
    assert api_client.put(f"/api/pipelines/{pipeline.pk}", {"isDefault": True}).status_code == 200
    answer = api_client.post("/api/pipelines", {"name": "Second", "isDefault": True})
    assert answer.status_code == 201
    defaults = Pipeline.objects.filter(is_default=True).values_list("pk", flat=True)
    assert set(defaults) == {answer.json()["data"]["_id"], theirs.pk}


def test_history_records_a_pipeline_that_is_no_longer_the_default(
    api_client: APIClient, pipeline: Pipeline
) -> None:
    api_client.put(f"/api/pipelines/{pipeline.pk}", {"isDefault": True})
    api_client.post("/api/pipelines", {"name": "Second", "isDefault": True})
    latest = pipeline.history.first()
    assert latest is not None
    assert (latest.history_type, latest.is_default) == ("~", False)


def test_an_unused_pipeline_is_deleted_with_its_stages(
    api_client: APIClient, pipeline: Pipeline
) -> None:
    assert api_client.delete(f"/api/pipelines/{pipeline.pk}").status_code == 200
    assert not Stage.objects.exists()
