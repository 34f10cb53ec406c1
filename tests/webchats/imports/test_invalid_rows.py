"""Invalid rows: they are reported by line, field and reason, and stop the import or are skipped."""

import csv
import io
import json
import weakref
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from python_calamine import CalamineWorkbook

from organizations.models import User
from tests.support import factories
from tests.webchats.imports.files import import_content, json_document, problem_locations, to_csv
from webchats.imports.columns import unknown_column
from webchats.imports.report import ImportReport
from webchats.models import Webchat
from webchats.models.imports import ImportRecord


@pytest.fixture
def references(admin: User) -> None:
    """The prompts, pipelines and stages that the rows refer to."""
    factories.PromptFactory.create(organization=admin.organization, name="Sales")
    factories.PromptFactory.create(organization=admin.organization, name="Old", is_active=False)
    factories.PromptFactory.create_batch(2, organization=admin.organization, name="Twins")
    factories.PromptFactory.create(name="Theirs", pk="a" * 24)
    pipeline = factories.PipelineFactory.create(organization=admin.organization, name="Pipe")
    factories.StageFactory.create(pipeline=pipeline, name="New", slug="new")
    factories.StageFactory.create(pipeline=pipeline, name="Gone", slug="gone", is_active=False)
    factories.StageFactory.create(name="Elsewhere", pk="b" * 24)


pytestmark = pytest.mark.usefixtures("references")

MORE = (
    "_id",
    "promptId",
    "pipeline",
    "pipelineId",
    "pipelineStage",
    "stage",
    "description",
    "starterMessage",
    "statusText",
    "csatThankYouMessage",
    "isSurveyEnabled",
    "headerTextColor",
    "statusTextColor",
    "timestampColor",
    "csatBackgroundColor",
    "csatTextColor",
    "isAutopilot",
    "isAutoAssigned",
    "isEnabled",
    "position",
    "offsetX",
    "offsetY",
    "zIndex",
    "icon",
)
#: The changes of a valid row, the field of the problem, and a part of the reason.
INVALID: tuple[tuple[dict[str, str], str, str], ...] = (
    ({"name": ""}, "name", "required"),
    ({"name": "   "}, "name", "blank"),
    ({"name": "x" * 121}, "name", "120"),
    ({"name": "nul\x00"}, "name", "Null"),
    ({"name": "=1+1"}, "name", "Formulas"),
    ({"backgroundColor": "red"}, "backgroundColor", "color"),
    ({"primaryColor": "#12345"}, "primaryColor", "color"),
    ({"secondaryColor": "=A1"}, "secondaryColor", "Formulas"),
    ({"headerTextColor": "#GGGGGG"}, "headerTextColor", "color"),
    ({"statusTextColor": "1"}, "statusTextColor", "color"),
    ({"timestampColor": "rgb(0,0,0)"}, "timestampColor", "color"),
    ({"csatBackgroundColor": "#1234567"}, "csatBackgroundColor", "color"),
    ({"csatTextColor": "#"}, "csatTextColor", "color"),
    ({"prompt": ""}, "promptId", "required"),
    ({"prompt": "Nobody"}, "prompt", "No prompt has this name"),
    ({"prompt": "Theirs"}, "prompt", "No prompt has this name"),
    ({"prompt": "Twins"}, "prompt", "2 prompts have this name"),
    ({"prompt": "Old"}, "prompt", "not active"),
    ({"prompt": "", "promptId": "a" * 24}, "promptId", "This prompt does not exist"),
    ({"prompt": "", "promptId": "c" * 24}, "promptId", "This prompt does not exist"),
    ({"prompt": "", "promptId": "Sales"}, "promptId", "This prompt does not exist"),
    ({"promptId": "a" * 24}, "prompt", "not both"),
    ({"allowedDomains": "example.com https://"}, "allowedDomains.1", "host"),
    ({"allowedDomains": " ".join(f"a{n}.com" for n in range(101))}, "allowedDomains", "100"),
    ({"initialStage": ""}, "initialStage", "required"),
    ({"initialStage": "x" * 121}, "initialStage", "120"),
    ({"initialStage": "lost", "pipeline": "Pipe"}, "initialStage", "no active stage"),
    ({"initialStage": "gone", "pipeline": "Pipe"}, "initialStage", "no active stage"),
    ({"pipeline": "Nowhere"}, "pipeline", "No pipeline has this name"),
    ({"pipelineId": "d" * 24}, "pipelineId", "This pipeline does not exist"),
    ({"stage": "New"}, "stage", "requires a pipeline"),
    ({"stage": "Elsewhere", "pipeline": "Pipe"}, "stage", "has the name “Elsewhere”. Its stages: "),
    ({"stage": "Nwe", "pipeline": "Pipe"}, "stage", "has the name “Nwe”. Did you mean New?"),
    ({"pipelineStage": "b" * 24, "pipeline": "Pipe"}, "pipelineStage", "This stage does not exist"),
    ({"description": "x" * 2_001}, "description", "2000"),
    ({"starterMessage": "x" * 1_001}, "starterMessage", "1000"),
    ({"statusText": "x" * 201}, "statusText", "200"),
    ({"csatThankYouMessage": "x" * 501}, "csatThankYouMessage", "500"),
    ({"isAutopilot": "maybe"}, "isAutopilot", "true or false"),
    ({"isAutoAssigned": "maybe"}, "isAutoAssigned", "true or false"),
    ({"isSurveyEnabled": "maybe"}, "isSurveyEnabled", "true or false"),
    ({"isEnabled": "2"}, "isEnabled", "true or false"),
    ({"position": "middle"}, "position", "not a valid choice"),
    ({"offsetX": "201"}, "offsetX", "200"),
    ({"offsetX": "1_0"}, "offsetX", "whole number"),
    ({"offsetY": "-1"}, "offsetY", "0"),
    ({"offsetY": "9" * 5_000}, "offsetY", "whole number"),
    ({"zIndex": "0"}, "zIndex", "1"),
    ({"zIndex": "2147483648"}, "zIndex", "2147483647"),
    ({"zIndex": "1.5"}, "zIndex", "whole number"),
    ({"icon": "orgs/x/webchat/y.png"}, "icon", "Icon not found"),
    ({"_id": "xyz"}, "_id", "24 lower-case"),
    ({"_id": "=1+1"}, "_id", "Formulas"),
    ({"icon": "=1+1"}, "icon", "Formulas"),
    ({"_id": "e" * 24}, "_id", "Duplicate of line 2."),
)


def reasons_by_location(report: ImportReport) -> dict[tuple[int | None, str], str]:
    """Return the reasons of the problems by line and field."""
    reasons: dict[tuple[int | None, str], str] = {}
    for problem in report.problems:
        location = (problem.line, problem.field)
        reasons[location] = f"{reasons.get(location, '')} {problem.reason}"
    return reasons


VALID = {"_id": "e" * 24, "name": "Valid"}


def _file() -> str:
    """Return a file with a valid row, the rows of ``INVALID``, a short row and a valid row."""
    return to_csv(VALID, *(changes for changes, _, _ in INVALID), more=MORE) + (
        "Short,#fff\r\n" + to_csv({"name": "Also valid"}, more=MORE).splitlines()[1] + "\r\n"
    )


def test_every_invalid_row_is_reported_and_nothing_is_written(admin: User) -> None:
    report = import_content(_file(), admin)
    reasons = reasons_by_location(report)
    for line, (_, field, reason) in enumerate(INVALID, 3):
        assert reason in reasons.pop((line, field), ""), (line, field, reason)
    assert "2 cells" in reasons.pop((len(INVALID) + 3, ""))
    assert reasons == {}
    assert report.status == "refused"
    assert report.rejected == len(INVALID) + 1
    assert not Webchat.objects.exists()


def test_skip_invalid_writes_exactly_the_valid_rows(admin: User) -> None:
    report = import_content(_file(), admin, skip_invalid=True)
    assert (report.status, report.created) == ("completed", 2)
    assert report.rejected == len(INVALID) + 1
    assert set(Webchat.objects.values_list("name", flat=True)) == {"Valid", "Also valid"}


@pytest.mark.parametrize("update", [False, True])
def test_an_unknown_id_gets_the_same_error_as_the_id_of_another_organization(
    admin: User, update: bool
) -> None:
    theirs = factories.WebchatFactory.create(name="Theirs")
    deleted = factories.WebchatFactory.create()
    deleted_id = deleted.pk
    deleted.delete()
    rows = [{"_id": each} for each in (theirs.pk, deleted_id, "0" * 24)]
    content = to_csv(*rows, more=("_id",))
    report = import_content(content, admin, update=update, allow_new_ids=False)
    assert [(problem.line, problem.field) for problem in report.problems] == [
        (2, "_id"),
        (3, "_id"),
        (4, "_id"),
    ]
    [reason] = {problem.reason for problem in report.problems}
    assert reason.startswith("The organization has no webchat with this id.")
    theirs.refresh_from_db()
    assert theirs.name == "Theirs"


def test_an_unknown_column_suggests_the_nearest_and_rows_are_still_validated(admin: User) -> None:
    content = to_csv({"name": ""}, {}, more=("primryColor", "isenabled", "zzzz"))
    report = import_content(content, admin, skip_invalid=True)
    assert [(problem.line, problem.field, problem.reason) for problem in report.problems] == [
        (1, "primryColor", "Unknown column. Did you mean primaryColor?"),
        (1, "isenabled", "Unknown column. Did you mean isEnabled?"),
        (1, "zzzz", "Unknown column."),
        (2, "name", "This field is required."),
    ]
    assert report.status == "refused"
    assert not Webchat.objects.exists()


def test_a_duplicate_column_is_reported(admin: User) -> None:
    report = import_content(to_csv({}, more=("description", "description")), admin)
    assert [str(problem) for problem in report.problems] == [
        "line 1: description: Duplicate column."
    ]


def test_the_column_of_allowed_domains_is_required_but_its_cells_may_be_empty(admin: User) -> None:
    without = to_csv({"allowedDomains": ""}).replace(",allowedDomains,", ",").replace(',"",', ",")
    report = import_content(without, admin)
    assert [str(problem) for problem in report.problems] == [
        "line 2: allowedDomains: This field is required."
    ]
    assert import_content(to_csv({"allowedDomains": ""}), admin).created == 1
    assert Webchat.objects.get().allowed_domains == []


#: The changes of a valid document, the field of the problem, and a part of the reason.
INVALID_JSON: tuple[tuple[Any, str, str], ...] = (
    ({"name": 5}, "name", "string"),
    ({"name": None}, "name", "null"),
    ({"name": "\ud800"}, "name", "Surrogate"),
    ({"name": "nul\x00"}, "name", "Null"),
    ({"isEnabled": "yes"}, "isEnabled", "true or false"),
    ({"isEnabled": 1}, "isEnabled", "true or false"),
    ({"offsetX": True}, "offsetX", "whole number"),
    ({"offsetX": "24"}, "offsetX", "whole number"),
    ({"offsetX": 1e400}, "offsetX", "whole number"),
    ({"offsetX": float("nan")}, "offsetX", "whole number"),
    ({"offsetX": 24.5}, "offsetX", "whole number"),
    ({"zIndex": 10**300}, "zIndex", "2147483647"),
    ({"zIndex": 10**410}, "zIndex", "whole number"),
    ({"allowedDomains": "example.com"}, "allowedDomains", "list"),
    ({"allowedDomains": None}, "allowedDomains", "null"),
    ({"allowedDomains": ["example.com", 5]}, "allowedDomains.1", "string"),
    ({"allowedDomains": {"a": 1}}, "allowedDomains", "list"),
    ({"description": {"a": 1}}, "description", "string"),
    ({"description": ["a"]}, "description", "string"),
    ({"promptId": 5}, "promptId", "id"),
    ({"promptId": None}, "promptId", "null"),
    ({"promptId": ["a"]}, "promptId", "id"),
    ({"pipeline": {}}, "pipeline", "name"),
    ({"_id": 5}, "_id", "id"),
    ({"colour": "red"}, "colour", "Unknown column"),
    ([], "", "Must be a JSON object"),
    (5, "", "Must be a JSON object"),
)


@pytest.mark.parametrize("format_name", ["ndjson", "json"])
def test_json_values_of_the_wrong_type_are_reported_by_item(admin: User, format_name: str) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    valid = json_document(prompt.pk, description=None, offsetX=24.0)
    rows = [{**valid, **bad} if isinstance(bad, dict) else bad for bad, _, _ in INVALID_JSON]
    items = [json.dumps(row) for row in [valid, *rows]]
    content = "\n".join(items) if format_name == "ndjson" else "[" + ",\n".join(items) + "]"
    report = import_content(content, admin, format_name=format_name, skip_invalid=True)
    reasons = reasons_by_location(report)
    for line, (_, field, reason) in enumerate(INVALID_JSON, 2):
        assert reason in reasons.pop((line, field), ""), (line, field, reason)
    assert reasons == {}
    assert Webchat.objects.get().allowed_domains == ["example.com"]


@pytest.mark.parametrize(
    "text", ["{", "[" * 100_000, '{"a": 1} x', "nul", '{"a": "\t"}', '{"a": 1, "a": 2}']
)
def test_a_line_of_invalid_json_is_an_invalid_row(admin: User, text: str) -> None:
    report = import_content(f"\n{text}\n\n", admin, format_name="ndjson")
    assert problem_locations(report) == [(2, "")]
    assert report.problems[0].reason.startswith("Invalid JSON: ")


def test_an_object_with_a_duplicate_key_is_an_invalid_row_of_an_array(admin: User) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    valid = json.dumps(json_document(prompt.pk))
    nested = json.dumps(json_document(prompt.pk, description="?")).replace(
        '"?"', '{"a": 1, "a": 2}'
    )
    content = f'[{valid}, {{"name": "a", "name": "b"}}, {nested}]'
    report = import_content(content, admin, format_name="json")
    assert [str(problem) for problem in report.problems] == [
        'item 2: Invalid JSON: an object has the key "name" twice.',
        "item 3: description: Must be a string.",
    ]


@pytest.mark.parametrize("format_name", ["csv", "ndjson", "json", "xlsx"])
def test_corrected_rejects_can_be_imported(admin: User, tmp_path: Path, format_name: str) -> None:
    source, rejects = tmp_path / "in.csv", tmp_path / f"rejects.{format_name}"
    source.write_text(_file(), newline="")
    call_command(
        "import_webchats",
        str(source),
        organization=admin.organization_id,
        skip_invalid=True,
        rejects=rejects,
        verbosity=0,
    )
    before = Webchat.objects.count()
    corrected = _correct(_to_csv(rejects) if format_name == "xlsx" else rejects, tmp_path)
    call_command("import_webchats", str(corrected), organization=admin.organization_id, verbosity=0)
    assert Webchat.objects.count() == before + len(INVALID) + 1


def _correct(rejects: Path, folder: Path) -> Path:
    """Return a CSV file of the rejects with valid values, columns of the rejects included."""
    if rejects.suffix == ".csv":
        with rejects.open(newline="") as file:
            rows = list(csv.DictReader(file))
    elif rejects.suffix == ".json":
        rows = json.loads(rejects.read_text())
    else:
        rows = [json.loads(line) for line in rejects.read_text().splitlines()]
    valid = next(csv.DictReader(io.StringIO(to_csv({}), newline="")))
    for number, row in enumerate(rows):
        assert row["_errors"]
        assert int(row["_line"]) == number + 3
        for name in MORE:
            row.pop(name, None)
        row.update(valid, name=f"Corrected {number}")
    target = folder / "corrected.csv"
    with target.open("w", newline="") as file:
        names = list(dict.fromkeys(name for row in rows for name in row))
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    return target


def _to_csv(workbook: Path) -> Path:
    target = workbook.with_suffix(".csv")
    with target.open("w", newline="") as file:
        rows = CalamineWorkbook.from_path(workbook).get_sheet_by_index(0).to_python()
        csv.writer(file).writerows(
            [int(cell) if isinstance(cell, float) else cell for cell in row] for row in rows
        )
    return target


def test_the_command_reports_every_problem_and_exits_with_status_1(
    admin: User, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in.csv"
    source.write_text(to_csv({"name": ""}, {"offsetX": "300"}, more=("offsetX",)))
    with pytest.raises(CommandError) as refused:
        call_command("import_webchats", str(source), organization=admin.organization_id)
    assert refused.value.returncode == 1
    assert str(refused.value) == "Nothing was imported. 2 of 2 rows have errors."
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "line 2: name: This field is required."
    assert lines[1].startswith("line 3: offsetX: Ensure this value is less than or equal to 200")
    assert ImportRecord.objects.get().status == "refused"


@pytest.mark.parametrize(
    ("rows", "summary"),
    [
        ([{"name": ""}], "Nothing was imported. 1 of 1 row has errors."),
        ([{"name": ""}, {}], "Nothing was imported. 1 of 2 rows has errors."),
        ([{"name": ""}, {}, {"name": ""}], "Nothing was imported. 2 of 3 rows have errors."),
        ([{"zzzz": "x"}], "Nothing was imported. The file has errors."),
    ],
)
def test_the_summary_of_a_refused_import_counts_the_invalid_rows(
    admin: User, rows: list[dict[str, str]], summary: str
) -> None:
    report = import_content(to_csv(*rows, more=tuple({"zzzz"} & set(rows[0]))), admin)
    assert report.summary == summary


def test_a_report_lists_the_first_thousand_problems_and_counts_all(admin: User) -> None:
    report = import_content(to_csv(*[{"name": ""}] * 1_500), admin)
    assert (len(report.problems), report.problem_count, report.rejected) == (1_000, 1_500, 1_500)


@pytest.mark.parametrize("column", ["prompt", "pipeline", "stage"])
def test_a_name_that_is_null_is_ignored(admin: User, column: str) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization, name="Sales")
    webchat = factories.WebchatFactory.create(user=admin, prompt=prompt, name="Stored")
    document = {"_id": webchat.pk, column: None}
    report = import_content(json.dumps(document), admin, format_name="ndjson", update=True)
    assert (report.unchanged, report.problems) == (1, [])


def test_a_new_row_with_a_prompt_of_null_lacks_a_prompt(admin: User) -> None:
    report = import_content(json.dumps([{"prompt": None}]), admin, format_name="json")
    assert "This field is required." in [
        problem.reason for problem in report.problems if problem.field == "promptId"
    ]


def test_a_header_with_far_too_many_columns_is_one_problem(admin: User) -> None:
    header = ",".join(f"colum{number}" for number in range(100_000))
    [problem] = import_content(header + "\n", admin).problems
    assert str(problem).startswith("line 1: Too many columns: 100,000. The maximum is ")


def test_a_row_with_far_too_many_columns_is_one_problem(admin: User) -> None:
    document = {f"nam{number}": 1 for number in range(10_000)}
    report = import_content(json.dumps([document, {"nam": 1}]), admin, format_name="json")
    assert str(report.problems[0]) == "item 1: Too many columns."
    assert report.problems[1].reason == "Unknown column. Did you mean name?"


def test_the_suggestion_for_a_long_column_name_is_not_cached() -> None:
    class Name(str):
        """A string with weak references."""

    long = Name("n" * 65)
    reference = weakref.ref(long)
    assert unknown_column(long) == "Unknown column."
    del long
    assert reference() is None


def test_extra_cells_are_quoted_up_to_200_characters(admin: User) -> None:
    line = ",".join(["x" * 1_000] * 50)
    [problem] = import_content(f"{to_csv().splitlines()[0]}\n{line}\n", admin).problems
    assert len(problem.reason) < 300
    assert 'Extra cells: ["xxx' in problem.reason
    assert problem.reason.endswith("x….")
