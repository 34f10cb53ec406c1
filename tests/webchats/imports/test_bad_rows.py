"""One bad row refuses a file; every bad row is named with its line, field and reason."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from python_calamine import CalamineWorkbook

from organizations.models import User
from tests.support import factories
from tests.webchats.imports.files import csv_of, imported
from webchats.imports.report import Report
from webchats.models import Webchat
from webchats.models.imports import ImportRecord


@pytest.fixture
def rows_refer_to(admin: User) -> None:
    """What the rows of ``csv_of`` point to."""
    factories.PromptFactory.create(organization=admin.organization, name="Sales")
    factories.PromptFactory.create(organization=admin.organization, name="Old", is_active=False)
    factories.PromptFactory.create_batch(2, organization=admin.organization, name="Twins")
    factories.PromptFactory.create(name="Theirs", pk="a" * 24)
    pipeline = factories.PipelineFactory.create(organization=admin.organization, name="Pipe")
    factories.StageFactory.create(pipeline=pipeline, name="New", slug="new")
    factories.StageFactory.create(pipeline=pipeline, name="Gone", slug="gone", is_active=False)
    factories.StageFactory.create(name="Elsewhere", pk="b" * 24)


pytestmark = pytest.mark.usefixtures("rows_refer_to")

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
    "headerTextColor",
    "statusTextColor",
    "timestampColor",
    "csatBackgroundColor",
    "csatTextColor",
    "isAutopilot",
    "isEnabled",
    "position",
    "offsetX",
    "offsetY",
    "zIndex",
    "icon",
)
#: What a row changes, the field that is named, and a word of the reason.
BAD: tuple[tuple[dict[str, str], str, str], ...] = (
    ({"name": ""}, "name", "required"),
    ({"name": "   "}, "name", "blank"),
    ({"name": "x" * 121}, "name", "120"),
    ({"name": "nul\x00"}, "name", "Null"),
    ({"name": "=1+1"}, "name", "formula"),
    ({"backgroundColor": "red"}, "backgroundColor", "color"),
    ({"primaryColor": "#12345"}, "primaryColor", "color"),
    ({"secondaryColor": "=A1"}, "secondaryColor", "formula"),
    ({"headerTextColor": "#GGGGGG"}, "headerTextColor", "color"),
    ({"statusTextColor": "1"}, "statusTextColor", "color"),
    ({"timestampColor": "rgb(0,0,0)"}, "timestampColor", "color"),
    ({"csatBackgroundColor": "#1234567"}, "csatBackgroundColor", "color"),
    ({"csatTextColor": "#"}, "csatTextColor", "color"),
    ({"prompt": ""}, "promptId", "required"),
    ({"prompt": "Nobody"}, "prompt", "no prompt of this name"),
    ({"prompt": "Theirs"}, "prompt", "no prompt of this name"),
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
    ({"pipeline": "Nowhere"}, "pipeline", "no pipeline of this name"),
    ({"pipelineId": "d" * 24}, "pipelineId", "This pipeline does not exist"),
    ({"stage": "New"}, "stage", "needs the pipeline"),
    ({"stage": "Elsewhere", "pipeline": "Pipe"}, "stage", "no stage of this name"),
    ({"pipelineStage": "b" * 24, "pipeline": "Pipe"}, "pipelineStage", "This stage does not exist"),
    ({"description": "x" * 2_001}, "description", "2000"),
    ({"starterMessage": "x" * 1_001}, "starterMessage", "1000"),
    ({"statusText": "x" * 201}, "statusText", "200"),
    ({"csatThankYouMessage": "x" * 501}, "csatThankYouMessage", "500"),
    ({"isAutopilot": "maybe"}, "isAutopilot", "true or false"),
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
    ({"_id": "e" * 24}, "_id", "line 2"),
)


def reasons(report: Report) -> dict[tuple[int | None, str], str]:
    """What is said of each field of each line."""
    found: dict[tuple[int | None, str], str] = {}
    for problem in report.problems:
        key = (problem.line, problem.field)
        found[key] = f"{found.get(key, '')} {problem.reason}"
    return found


GOOD = {"_id": "e" * 24, "name": "Good"}


def _file() -> str:
    """A good row, one of every kind of bad row, a ragged one and another good one."""
    return csv_of(GOOD, *(changes for changes, _, _ in BAD), more=MORE) + (
        "Short,#fff\r\n" + csv_of({"name": "Also good"}, more=MORE).splitlines()[1] + "\r\n"
    )


def test_each_kind_of_bad_row_is_named_and_nothing_is_written(admin: User) -> None:
    report = imported(_file(), admin)
    found = reasons(report)
    for line, (_, field, word) in enumerate(BAD, 3):
        assert word in found.pop((line, field), ""), (line, field, word)
    assert "2 cells" in found.pop((len(BAD) + 3, ""))
    assert found == {}
    assert report.status == "refused"
    assert report.rejected == len(BAD) + 1
    assert not Webchat.objects.exists()


def test_skip_invalid_writes_exactly_the_good_rows(admin: User) -> None:
    report = imported(_file(), admin, skip_invalid=True)
    assert (report.status, report.created, report.rejected) == ("completed", 2, len(BAD) + 1)
    assert set(Webchat.objects.values_list("name", flat=True)) == {"Good", "Also good"}


def test_another_organizations_row_is_no_other_than_one_that_does_not_exist(admin: User) -> None:
    theirs = factories.WebchatFactory.create(name="Theirs")
    content = csv_of({"_id": theirs.pk, "name": "Mine now"}, more=("_id",))
    for update in (False, True):
        report = imported(content, admin, update=update)
        assert report.problems[0].reason.startswith("This id cannot be given to a new row.")
    theirs.refresh_from_db()
    assert theirs.name == "Theirs"


def test_an_unknown_column_names_the_nearest_and_the_rows_are_still_looked_at(admin: User) -> None:
    content = csv_of({"name": ""}, {}, more=("primryColor", "isenabled", "zzzz"))
    report = imported(content, admin, skip_invalid=True)
    assert [(problem.line, problem.field, problem.reason) for problem in report.problems] == [
        (1, "primryColor", "There is no such column. Did you mean primaryColor?"),
        (1, "isenabled", "There is no such column. Did you mean isEnabled?"),
        (1, "zzzz", "There is no such column."),
        (2, "name", "This field is required."),
    ]
    assert report.status == "refused"
    assert not Webchat.objects.exists()


def test_a_column_that_stands_twice_is_refused(admin: User) -> None:
    report = imported(csv_of({}, more=("description", "description")), admin)
    assert [str(problem) for problem in report.problems] == [
        "line 1: description: The column stands more than once."
    ]


def test_who_may_embed_has_to_be_said(admin: User) -> None:
    lines = csv_of({"allowedDomains": ""}).replace(",allowedDomains,", ",").replace(',"",', ",")
    report = imported(lines, admin)
    assert [str(found) for found in report.problems] == [
        "line 2: allowedDomains: This field is required."
    ]
    assert imported(csv_of({"allowedDomains": ""}), admin).created == 1
    assert Webchat.objects.get().allowed_domains == []


NDJSON: tuple[tuple[Any, str, str], ...] = (
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
    ({"allowedDomains": ["example.com", 5]}, "allowedDomains", "list"),
    ({"allowedDomains": {"a": 1}}, "allowedDomains", "list"),
    ({"description": {"a": 1}}, "description", "string"),
    ({"description": ["a"]}, "description", "string"),
    ({"promptId": 5}, "promptId", "id"),
    ({"promptId": None}, "promptId", "null"),
    ({"promptId": ["a"]}, "promptId", "id"),
    ({"pipeline": {}}, "pipeline", "name"),
    ({"_id": 5}, "_id", "id"),
    ({"colour": "red"}, "colour", "no such column"),
    ([], "", "not a JSON object"),
    (5, "", "not a JSON object"),
)


@pytest.mark.parametrize("format_name", ["ndjson", "json"])
def test_json_holds_values_of_its_own_types(admin: User, format_name: str) -> None:
    good = {
        "name": "Good",
        "backgroundColor": "#FFF",
        "primaryColor": "#1F2937",
        "secondaryColor": "#3B82F6",
        "promptId": factories.PromptFactory.create(organization=admin.organization).pk,
        "allowedDomains": ["Example.com"],
        "initialStage": "new",
        "description": None,
        "offsetX": 24.0,
    }
    rows = [{**good, **bad} if isinstance(bad, dict) else bad for bad, _, _ in NDJSON]
    texts = [json.dumps(row) for row in [good, *rows]]
    content = "\n".join(texts) if format_name == "ndjson" else "[" + ",\n".join(texts) + "]"
    report = imported(content, admin, format_name=format_name, skip_invalid=True)
    found = reasons(report)
    for line, (_, field, word) in enumerate(NDJSON, 2):
        assert word in found.pop((line, field), ""), (line, field, word)
    assert found == {}
    assert Webchat.objects.get().allowed_domains == ["example.com"]


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"a": 1} x', "nul", '{"a": "\t"}'])
def test_a_line_that_is_no_json_is_a_bad_row(admin: User, text: str) -> None:
    report = imported(f"\n{text}\n\n", admin, format_name="ndjson")
    assert [(found.line, found.field) for found in report.problems] == [(2, "")]
    assert report.problems[0].reason.startswith("The line is not valid JSON")


@pytest.mark.parametrize("format_name", ["csv", "ndjson", "json", "xlsx"])
def test_the_rejects_import_cleanly_once_mended(
    admin: User, tmp_path: Path, format_name: str
) -> None:
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
    mended = _mended(rejects, format_name, tmp_path)
    call_command("import_webchats", str(mended), organization=admin.organization_id, verbosity=0)
    assert Webchat.objects.count() == before + len(BAD) + 1


def _mended(rejects: Path, format_name: str, folder: Path) -> Path:
    """The same file with good values for what is named in its remarks."""
    if format_name == "xlsx":
        # As people do it: in the sheet. Here the rows are mended from CSV.
        return _mended(_as_csv(rejects), "csv", folder)
    if format_name == "csv":
        with rejects.open(newline="") as file:
            rows = list(csv.DictReader(file))
    elif format_name == "json":
        rows = json.loads(rejects.read_text())
    else:
        rows = [json.loads(line) for line in rejects.read_text().splitlines()]
    good = next(csv.DictReader(io.StringIO(csv_of({}), newline="")))
    for number, row in enumerate(rows):
        assert row["_errors"]
        assert int(row["_line"]) == number + 3
        for name in MORE:
            row.pop(name, None)
        row.update(good, name=f"Mended {number}")
    target = folder / "mended.csv"
    with target.open("w", newline="") as file:
        names = list(dict.fromkeys(name for row in rows for name in row))
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    return target


def _as_csv(path: Path) -> Path:
    target = path.with_suffix(".csv")
    with target.open("w", newline="") as file:
        rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
        csv.writer(file).writerows(
            [int(cell) if isinstance(cell, float) else cell for cell in row] for row in rows
        )
    return target


def test_the_command_fails_with_status_1_and_names_every_problem(
    admin: User, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in.csv"
    source.write_text(csv_of({"name": ""}, {"offsetX": "300"}, more=("offsetX",)))
    with pytest.raises(CommandError) as refused:
        call_command("import_webchats", str(source), organization=admin.organization_id)
    assert refused.value.returncode == 1
    assert str(refused.value) == "Refused, nothing was written. 2 rows were read, 2 of them bad."
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "line 2: name: This field is required."
    assert lines[1].startswith("line 3: offsetX: Ensure this value is less than or equal to 200")
    assert ImportRecord.objects.get().status == "refused"


def test_a_report_in_memory_names_the_first_thousand_and_counts_all(admin: User) -> None:
    report = imported(csv_of(*[{"name": ""}] * 1_500), admin)
    assert (len(report.problems), report.problem_count, report.rejected) == (1_000, 1_500, 1_500)


@pytest.mark.parametrize("column", ["prompt", "pipeline", "stage"])
def test_a_name_that_is_null_is_not_given(admin: User, column: str) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization, name="Sales")
    row = factories.WebchatFactory.create(user=admin, prompt=prompt, name="Stored")
    document = {"_id": row.pk, column: None}
    report = imported(json.dumps(document), admin, format_name="ndjson", update=True)
    assert (report.unchanged, report.problems) == (1, [])


def test_a_new_row_whose_prompt_is_null_has_none(admin: User) -> None:
    report = imported(json.dumps([{"prompt": None}]), admin, format_name="json")
    assert "This field is required." in [
        found.reason for found in report.problems if found.field == "promptId"
    ]


def test_a_header_of_far_too_many_columns_is_refused_at_once(admin: User) -> None:
    header = ",".join(f"colum{number}" for number in range(100_000))
    report = imported(header + "\n", admin)
    assert [str(found) for found in report.problems] == [
        "line 1: The header has 100,000 columns, more than a webchat can have."
    ]


def test_a_row_of_far_too_many_names_is_one_problem(admin: User) -> None:
    document = {f"nam{number}": 1 for number in range(10_000)}
    report = imported(json.dumps([document, {"nam": 1}]), admin, format_name="json")
    assert str(report.problems[0]) == "item 1: The row has far more names than a webchat has."
    assert report.problems[1].reason == "There is no such column. Did you mean name?"
