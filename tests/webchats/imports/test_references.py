"""Rows that refer to prompts, pipelines and stages."""

import json
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from organizations.models import Prompt, User
from tests.support import factories
from tests.webchats.imports.files import import_content, json_document, problem_locations, to_csv
from webchats.imports import validation
from webchats.models import Webchat


@pytest.fixture(autouse=True)
def _references(admin: User) -> None:
    organization = admin.organization
    for name in ("Sales", "=1+1"):
        factories.PromptFactory.create(organization=organization, name=name)
    pipeline = factories.PipelineFactory.create(organization=organization, name="Pipe")
    for name in ("New", "Hot"):
        factories.StageFactory.create(pipeline=pipeline, name=name, slug=name.lower())


def test_rows_with_the_same_references_have_the_same_placement(admin: User) -> None:
    more = ("pipeline", "stage")
    by_initial_stage = {"pipeline": "Pipe", "initialStage": "hot"}
    by_stage = {"pipeline": "Pipe", "stage": "New", "initialStage": "hot"}
    rows = [{}, by_initial_stage, by_stage] * 3
    assert import_content(to_csv(*rows, more=more), admin).problems == []
    for number, webchat in enumerate(Webchat.objects.order_by("name")):
        entry = webchat.entry_stage and webchat.entry_stage.slug
        stage = webchat.pipeline_stage and webchat.pipeline_stage.slug
        expected = [(None, None, "new"), ("hot", None, "hot"), ("new", "new", "hot")][number % 3]
        assert (entry, stage, webchat.initial_stage) == expected
        assert (webchat.pipeline is None) == (number % 3 == 0)
        webchat.full_clean()


def test_rows_with_the_same_references_keep_their_own_values(admin: User) -> None:
    rows = [{"description": "first", "offsetX": "7"}, {}, {"statusText": "third"}]
    import_content(to_csv(*rows, more=("description", "offsetX", "statusText")), admin)
    values = Webchat.objects.order_by("name").values_list("description", "offset_x", "status_text")
    assert list(values) == [("first", 7, ""), ("", 24, ""), ("", 24, "third")]
    assert Webchat.objects.values("pk").distinct().count() == 3


def test_an_invalid_row_among_valid_rows_with_the_same_references_is_rejected(admin: User) -> None:
    rows: list[dict[str, str]] = [
        {},
        {"initialStage": "x" * 121},
        {"pipeline": "Pipe"},
        {"pipeline": "Pipe", "initialStage": "lost"},
        {"pipeline": "Pipe", "offsetX": "300"},
        {"pipeline": "Pipe", "pipelineId": "a" * 24},
        {},
    ]
    report = import_content(to_csv(*rows, more=("pipeline", "pipelineId", "offsetX")), admin)
    expected = [(3, "initialStage"), (5, "initialStage"), (6, "offsetX"), (7, "pipeline")]
    assert problem_locations(report) == expected


def test_a_formula_is_rejected_although_its_text_is_the_name_of_a_prompt(admin: User) -> None:
    report = import_content(to_csv({"prompt": "'=1+1"}, {"prompt": "=1+1"}), admin)
    assert problem_locations(report) == [(3, "prompt")]


@pytest.mark.parametrize("cell", [None, True, 1, 1.5, [], {}, ["a"]])
def test_an_id_of_the_wrong_json_type_is_rejected(admin: User, cell: Any) -> None:
    valid = json_document(factories.PromptFactory.create(organization=admin.organization).pk)
    documents = [valid, {**valid, "pipelineId": cell}, {**valid, "promptId": cell}, valid]
    report = import_content(json.dumps(documents), admin, format_name="json")
    # ``null`` means no pipeline, but a webchat requires a prompt.
    assert problem_locations(report) == [(2, "pipelineId"), (3, "promptId")][cell is None :]


def test_any_number_of_different_references_can_be_imported(
    admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validation, "MAX_TEMPLATES", 2)
    rows = [{"initialStage": f"label {number % 5}"} for number in range(20)]
    assert import_content(to_csv(*rows), admin).created == 20
    assert Webchat.objects.filter(initial_stage="label 4").count() == 4


def test_errors_that_follow_from_an_invalid_pipeline_are_not_reported(admin: User) -> None:
    stage = factories.StageFactory.create()
    rows = [
        {"pipeline": "Nowhere", "stage": "New"},
        {"pipelineId": "a" * 24, "pipelineStage": stage.pk},
        {"pipeline": "Nowhere", "initialStage": "lost"},
    ]
    more = ("pipeline", "pipelineId", "stage", "pipelineStage")
    report = import_content(to_csv(*rows, more=more), admin)
    assert problem_locations(report) == [(2, "pipeline"), (3, "pipelineId"), (4, "pipeline")]


def _clean(webchat: Webchat) -> tuple[dict[str, list[str]], str | None]:
    """Return the errors of ``clean()``, and the entry stage that it sets."""
    try:
        webchat.clean()
    except ValidationError as error:
        return error.message_dict, webchat.entry_stage_id
    return {}, webchat.entry_stage_id


@pytest.mark.parametrize("initial_stage", ["hot", "lost"])
@pytest.mark.parametrize("is_active", [True, False])
def test_clean_depends_only_on_the_fields_by_which_imported_rows_share_a_template(
    admin: User, initial_stage: str, is_active: bool
) -> None:
    assert admin.organization
    prompt = Prompt.objects.get(name="Sales")
    prompt.is_active = is_active
    valid = factories.WebchatFactory.build(
        organization=admin.organization,
        user=admin,
        created_by=admin,
        prompt=prompt,
        pipeline=factories.PipelineFactory.create(organization=admin.organization),
        initial_stage=initial_stage,
    )
    factories.StageFactory.create(pipeline=valid.pipeline, slug="hot")
    shared = {"prompt_id", "pipeline_id", "pipeline_stage_id", "icon", "initial_stage"}
    shared |= {"organization_id", "entry_stage_id"}
    result = _clean(valid)
    assert bool(result[0]) == (initial_stage == "lost" or not is_active)
    for field in Webchat._meta.concrete_fields:
        if field.attname not in shared:
            for other in (object(), None):
                setattr(valid, field.attname, other)
                assert _clean(valid) == result, field.name
