"""Files as other programs write them: encodings, delimiters, sheets; and files that are none."""

import io
import json
import re
import zipfile
from typing import Any

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from organizations.models import User
from tests.support import factories
from tests.webchats.imports.files import csv_of, imported
from webchats.imports.formats import xlsx
from webchats.imports.formats.encoding import encoding_of
from webchats.imports.importer import format_of
from webchats.imports.report import FileRefused
from webchats.models import Webchat


@pytest.fixture(autouse=True)
def _prompt(admin: User) -> None:
    factories.PromptFactory.create(organization=admin.organization, name="Sales")


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_an_encoding_is_told_from_the_bytes(admin: User, encoding: str) -> None:
    content = csv_of({"name": "Grüße – für 5 €"}).encode(encoding)
    report = imported(content, admin)
    assert report.problems == []
    assert Webchat.objects.get().name == "Grüße – für 5 €"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("format_name", ["json", "ndjson"])
def test_json_comes_in_other_encodings_too(admin: User, encoding: str, format_name: str) -> None:
    content = "[]" if format_name == "json" else "\n"
    assert imported(content.encode(encoding), admin, format_name=format_name).is_good


@pytest.mark.parametrize(
    ("content", "byte", "line", "what"),
    [
        ("name\nGrüße\n".encode() + b"caf\xe9\n", 16, 3, "not UTF-8"),
        (b"name\ncaf\xe9 \x81\n", 10, 2, "neither UTF-8 nor Windows-1252"),
        ("name\nx\n".encode("utf-16") + b"\x00\xd8\n\x00", 16, 3, "not UTF-16"),
        (b"a" * 1_048_575 + "é".encode() + b"\n\n\xff", 1_048_579, 3, "not UTF-8"),
    ],
)
def test_what_has_no_encoding_is_refused_with_byte_and_line(
    content: bytes, byte: int, line: int, what: str
) -> None:
    with pytest.raises(FileRefused) as refused:
        encoding_of(io.BytesIO(content))
    assert refused.value.reason.startswith(f"Byte {byte} ")
    assert what in refused.value.reason
    assert refused.value.line == line


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiters_and_line_ends_are_told_from_the_header(
    admin: User, delimiter: str, end: str
) -> None:
    content = csv_of({"name": "a;b,c\td", "description": f"two{end}lines"}, more=("description",))
    content = content.replace('","', f'"{delimiter}"').replace("\r\n", "\n").replace("\n", end)
    header, rest = content.split(end, 1)
    report = imported(f"{header.replace(',', delimiter)}{end}{rest}", admin)
    assert report.problems == []
    row = Webchat.objects.get()
    assert (row.name, row.description) == ("a;b,c\td", f"two{end}lines")


def test_lines_are_counted_as_an_editor_counts_them(admin: User) -> None:
    good = csv_of({"description": "three\nlines\nhere"}, more=("description",))
    report = imported(good + "\r\n" + "x\r\n", admin)
    assert [problem.line for problem in report.problems] == [6]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (text, text.lower() in ("true", "yes", "1"))
        for text in ["true", "FALSE", "Yes", "no", "1", "0"]
    ],
)
def test_a_flag_is_written_in_many_ways(admin: User, text: str, meant: bool) -> None:
    imported(
        csv_of({"isAutopilot": text, "isEnabled": text}, more=("isAutopilot", "isEnabled")), admin
    )
    row = Webchat.objects.get()
    assert (row.is_autopilot, row.is_enabled) == (meant, meant)


def test_an_empty_cell_is_the_default_of_a_new_row(admin: User) -> None:
    more = ("isEnabled", "offsetX", "statusTextColor", "position", "pipelineId")
    imported(csv_of({}, more=more), admin)
    row = Webchat.objects.get()
    assert (row.is_enabled, row.offset_x, row.status_text_color) == (True, 24, "#6B7280")
    assert row.position == "bottom-right"
    assert row.pipeline_id is None


def test_domains_stand_in_a_cell_with_spaces_or_lines_between(admin: User) -> None:
    imported(csv_of({"allowedDomains": "Example.com\n*.example.org  https://a.de"}), admin)
    assert Webchat.objects.get().allowed_domains == ["example.com", "*.example.org", "https://a.de"]


@pytest.mark.parametrize(
    ("name", "format_name"),
    [
        ("a.csv", "csv"),
        ("a.TSV", "csv"),
        ("a.jsonl", "ndjson"),
        ("a.xlsx", "xlsx"),
        ("a.pdf", None),
    ],
)
def test_a_name_says_the_format(name: str, format_name: str | None) -> None:
    assert format_of(name) == format_name


@pytest.mark.parametrize(
    ("format_name", "content"),
    [
        ("csv", b""),
        ("csv", b"\n\n"),
        ("csv", b'name\n"never closed' + b"x" * 200_000),
        ("csv", b'name\n"a"b\n'),
        ("csv", b"\x00" * 100),
        ("json", b""),
        ("json", b"{}"),
        ("json", b"[{}"),
        ("json", b"[{} {}]"),
        ("json", b"[{}] x"),
        ("json", b"[{,}]"),
        ("json", b"[" * 100_000),
        ("json", b'["' + b"x" * 3_000_000),
        ("xlsx", b""),
        ("xlsx", b"PK\x03\x04 but not a workbook"),
        ("xlsx", b"name\na\n"),
    ],
)
def test_a_file_that_is_none_is_refused_in_a_sentence(
    admin: User, format_name: str, content: bytes
) -> None:
    report = imported(content, admin, format_name=format_name)
    assert report.status == "refused"
    assert report.problems
    assert report.problems[0].reason


def test_an_array_says_the_line_of_its_error(admin: User) -> None:
    report = imported('[\n{"name": "a"},\n{"name"\n: }]', admin, format_name="json")
    assert [problem.line for problem in report.problems][-1] == 4


# --- Sheets ---


def _sheet(fill: Any) -> bytes:
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file)
    fill(book.add_worksheet())
    # What a person kept beside it is not looked at.
    book.add_worksheet().write(0, 0, "notes")
    book.close()
    return file.getvalue()


def _cells() -> list[list[str]]:
    header, row = csv_of({}).split("\r\n")[:2]
    return [header.split(","), [cell.strip('"') for cell in row.split(",")]]


def test_a_sheets_numbers_and_flags_are_read_as_people_mean_them(admin: User) -> None:
    def fill(sheet: Any) -> None:
        header, row = _cells()
        sheet.write_row(0, 0, [*header, "offsetX", "isEnabled", "isAutopilot"])
        sheet.write_row(1, 0, [*row, 30, False, "Yes"])
        sheet.write_number(1, 0, 2024)

    assert imported(_sheet(fill), admin, format_name="xlsx").problems == []
    row = Webchat.objects.get()
    assert (row.name, row.offset_x, row.is_enabled, row.is_autopilot) == ("2024", 30, False, True)


def test_a_sheets_formula_is_no_value(admin: User) -> None:
    def fill(sheet: Any) -> None:
        header, row = _cells()
        sheet.write_row(0, 0, header)
        sheet.write_row(1, 0, row)
        sheet.write_row(2, 0, row)
        sheet.write_formula(2, 0, '="Comp"&"uted"', None, "Computed")

    report = imported(_sheet(fill), admin, format_name="xlsx")
    assert [(problem.line, problem.field) for problem in report.problems] == [(3, "name")]
    assert "formula" in report.problems[0].reason


def test_a_sheets_cell_beyond_the_header_is_ragged(admin: User) -> None:
    def fill(sheet: Any) -> None:
        header, row = _cells()
        sheet.write_row(0, 0, header)
        sheet.write_row(1, 0, [*row, "", "more"])

    report = imported(_sheet(fill), admin, format_name="xlsx")
    assert "beyond" in report.problems[0].reason


def test_a_table_that_does_not_begin_in_the_corner_is_refused_or_read(admin: User) -> None:
    def fill(sheet: Any) -> None:
        header, row = _cells()
        sheet.write_row(3, 0, header)
        sheet.write_row(4, 0, row)
        sheet.write_formula(4, 0, "=1+1", None, 2)

    report = imported(_sheet(fill), admin, format_name="xlsx")
    assert report.status == "refused"
    assert not Webchat.objects.exists()


def _written_by_hand(*replaced: tuple[str, str], part: str = "worksheets/sheet1.xml") -> bytes:
    """A sheet of two cells, changed in ways that no program changes it."""

    def fill(sheet: Any) -> None:
        sheet.write_number(0, 0, 1)
        sheet.write_number(1, 1, 2)

    before, after = io.BytesIO(_sheet(fill)), io.BytesIO()
    with zipfile.ZipFile(before) as old, zipfile.ZipFile(after, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == f"xl/{part}":
                for this, that in replaced:
                    assert this.encode() in content
                    content = content.replace(this.encode(), that.encode())
            new.writestr(name, content)
    return after.getvalue()


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ('<c r="XFD1048576"', "XFD1048576"),
        ('<c s="0" t = "n"\n r = "XFD1048576"', "XFD1048576"),
        ('<c r="GS2"', "GS2"),
        ('<c r="cv1048576"', "cv1048576"),
        ("<c r='XFD1048576'", "where it stands"),
        ("<c", "where it stands"),
        ("<c " + 'r="A1" ' * 30_000, "XML|workbook|empty"),
        ("<c " + 'x="A1" ' * 30_000, "where it stands"),
        ("<c " + "x" * 3_000_000, "where it stands|too long"),
    ],
)
def test_a_sheet_of_a_few_cells_far_apart_is_refused_before_it_is_laid_out(
    admin: User, tag: str, reason: str
) -> None:
    content = _written_by_hand(('<c r="B2"', tag))
    report = imported(content, admin, format_name="xlsx")
    assert report.status == "refused"
    assert re.search(reason, str(report.problems[0])) or report.problems[0].line == 1


def test_a_cell_far_away_is_found_across_the_parts_that_are_read_at_once(admin: User) -> None:
    for length in range(1_048_576 - 700, 1_048_576 - 200, 7):
        far = f"<!--{'x' * length}--><c r='B2'".replace("'", '"').replace("B2", "XFD1048576")
        with pytest.raises(FileRefused, match="too large"):
            next(xlsx.rows(io.BytesIO(_written_by_hand(('<c r="B2"', far)))))


_SECOND = '<x:sheet xmlns:x="urn:x" name="second" sheetId="9" r:id="rId2"/>'


@pytest.mark.parametrize(
    ("part", "replaced"),
    [
        ("workbook.xml", ("<sheets>", f"<sheets>{_SECOND}")),
        ("workbook.xml", ("<sheets>", f"<other>{_SECOND}</other><sheets>")),
        ("workbook.xml", ('r:id="rId1"', 'r:id="rId1" xmlns:q="urn:q" q:id="rId2"')),
        ("_rels/workbook.xml.rels", ('Id="rId2"', 'Id="rId1"')),
    ],
)
def test_the_sheet_that_is_looked_through_is_the_sheet_that_is_read(
    part: str, replaced: tuple[str, str]
) -> None:
    content = _written_by_hand(replaced, part=part)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        try:
            looked_through = xlsx._first_sheet(archive)
        except KeyError:
            return
    read = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert looked_through == f"xl/worksheets/sheet{1 + (read == [['notes']])}.xml"


def test_two_parts_that_differ_in_case_alone_are_refused(admin: User) -> None:
    content = io.BytesIO(_written_by_hand())
    with zipfile.ZipFile(content, "a") as archive:
        archive.writestr("xl/Worksheets/sheet1.xml", archive.read("xl/worksheets/sheet2.xml"))
    report = imported(content.getvalue(), admin, format_name="xlsx")
    assert "two parts of one name" in report.problems[0].reason


def test_a_workbook_in_the_strict_form_is_read(admin: User) -> None:
    strict = ("http://schemas.openxmlformats.org/spreadsheetml/2006/main", "urn:strict:main")
    content = _written_by_hand(strict, part="workbook.xml")
    assert next(xlsx.rows(io.BytesIO(content))) == (1, ["1", ""])


@pytest.mark.parametrize("separator", [",", ",\n", ",\n\n"])
def test_an_arrays_items_are_counted_however_they_stand_in_lines(
    admin: User, separator: str
) -> None:
    good = json.dumps(
        {
            "_id": "a" * 24,
            "name": "a",
            "backgroundColor": "#FFF",
            "primaryColor": "#FFF",
            "secondaryColor": "#FFF",
            "prompt": "Sales",
            "allowedDomains": [],
            "initialStage": "new",
        },
        indent=1 if "\n" in separator else None,
    )
    content = "[" + separator.join([good, "7", good]) + "]"
    report = imported(content, admin, format_name="json")
    assert [str(found) for found in report.problems] == [
        "item 2: It is not a JSON object.",
        "item 3: _id: The same row stands in item 1 already.",
    ]
