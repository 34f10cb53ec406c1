"""What a row refers to is looked at once for the rows that are alike, and judged as ever."""

import json
from typing import Any

import pytest

from organizations.models import User
from tests.support import factories
from tests.webchats.imports.files import csv_of, imported
from webchats.imports import judge
from webchats.imports.report import Report
from webchats.models import Webchat


@pytest.fixture(autouse=True)
def _rows_refer_to(admin: User) -> None:
    organization = admin.organization
    for name in ("Sales", "=1+1"):
        factories.PromptFactory.create(organization=organization, name=name)
    pipeline = factories.PipelineFactory.create(organization=organization, name="Pipe")
    for name in ("New", "Hot"):
        factories.StageFactory.create(pipeline=pipeline, name=name, slug=name.lower())


def _problems(report: Report) -> list[tuple[int | None, str]]:
    return [(found.line, found.field) for found in report.problems]


def test_a_new_row_is_judged_by_nothing_but_what_the_model_names(admin: User) -> None:
    webchat = factories.WebchatFactory.create(user=admin)
    names = set(Webchat.validation_dependencies).union(*Webchat.validation_dependencies.values())
    attnames = {Webchat._meta.get_field(name).attname for name in names}  # type: ignore[union-attr]
    bare = Webchat.__new__(Webchat)
    bare.__dict__.update(
        {name: value for name, value in vars(webchat).items() if name in (*attnames, "_state")}
    )
    # Every other column is missing: to read one would be a query for an unsaved row.
    bare.__dict__["id"] = None
    bare.clean()


def test_rows_that_are_alike_are_placed_alike(admin: User) -> None:
    more = ("pipeline", "stage")
    placed = {"pipeline": "Pipe", "initialStage": "hot"}
    staged = {"pipeline": "Pipe", "stage": "New", "initialStage": "hot"}
    rows = [{}, placed, staged] * 3
    assert imported(csv_of(*rows, more=more), admin).problems == []
    for number, row in enumerate(Webchat.objects.order_by("name")):
        entry = row.entry_stage and row.entry_stage.slug
        stage = row.pipeline_stage and row.pipeline_stage.slug
        expected = [(None, None, "new"), ("hot", None, "hot"), ("new", "new", "hot")][number % 3]
        assert (entry, stage, row.initial_stage) == expected
        assert (row.pipeline is None) == (number % 3 == 0)
        row.full_clean()


def test_a_bad_row_between_good_ones_of_the_same_references_is_found(admin: User) -> None:
    rows: list[dict[str, str]] = [
        {},
        {"initialStage": "x" * 121},
        {"pipeline": "Pipe"},
        {"pipeline": "Pipe", "initialStage": "lost"},
        {"pipeline": "Pipe", "offsetX": "300"},
        {"pipeline": "Pipe", "pipelineId": "a" * 24},
        {},
    ]
    report = imported(csv_of(*rows, more=("pipeline", "pipelineId", "offsetX")), admin)
    expected = [(3, "initialStage"), (5, "initialStage"), (6, "offsetX"), (7, "pipeline")]
    assert _problems(report) == expected


def test_a_formula_is_no_text_that_was_good_before(admin: User) -> None:
    report = imported(csv_of({"prompt": "'=1+1"}, {"prompt": "=1+1"}), admin)
    assert _problems(report) == [(3, "prompt")]


@pytest.mark.parametrize("cell", [None, True, 1, 1.5, [], {}, ["a"]])
def test_what_is_no_text_is_not_taken_for_what_is_not_given(admin: User, cell: Any) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    good = {
        "name": "Good",
        "backgroundColor": "#FFF",
        "primaryColor": "#FFF",
        "secondaryColor": "#FFF",
        "promptId": prompt.pk,
        "allowedDomains": [],
        "initialStage": "new",
    }
    documents = [good, {**good, "pipelineId": cell}, {**good, "promptId": cell}, good]
    wrong = _problems(imported(json.dumps(documents), admin, format_name="json"))
    assert wrong == [(2, "pipelineId"), (3, "promptId")][cell is None :]


def test_more_kinds_of_rows_than_are_remembered(
    admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "_REMEMBERED", 2)
    rows = [{"initialStage": f"label {number % 5}"} for number in range(20)]
    assert imported(csv_of(*rows), admin).created == 20
    assert Webchat.objects.filter(initial_stage="label 4").count() == 4


def test_a_stage_is_not_blamed_for_the_wrong_pipeline_beside_it(admin: User) -> None:
    stage = factories.StageFactory.create()
    rows = [
        {"pipeline": "Nowhere", "stage": "New"},
        {"pipelineId": "a" * 24, "pipelineStage": stage.pk},
        {"pipeline": "Nowhere", "initialStage": "lost"},
    ]
    more = ("pipeline", "pipelineId", "stage", "pipelineStage")
    expected = [(2, "pipeline"), (3, "pipelineId"), (4, "pipeline")]
    assert _problems(imported(csv_of(*rows, more=more), admin)) == expected
