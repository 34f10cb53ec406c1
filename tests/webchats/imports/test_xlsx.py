"""Excel workbooks: values, formulas, and malformed workbooks."""

import io
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from organizations.models import User
from tests.support import factories
from tests.webchats.imports.files import import_content, problem_locations, to_csv
from webchats.imports.formats import FORMATS
from webchats.imports.formats.xlsx_formulas import find_formulas
from webchats.imports.rows import FileRefused
from webchats.models import Webchat


@pytest.fixture(autouse=True)
def _prompt(admin: User) -> None:
    factories.PromptFactory.create(organization=admin.organization, name="Sales")


def _workbook(fill: Callable[[Any], object]) -> bytes:
    """Return a workbook of two sheets: ``fill`` writes the first, the second has a note."""
    file = io.BytesIO()
    workbook = xlsxwriter.Workbook(file)
    fill(workbook.add_worksheet())
    workbook.add_worksheet().write(0, 0, "notes")
    workbook.close()
    return file.getvalue()


def _header_and_row() -> tuple[list[str], list[str]]:
    header, row = to_csv({}).split("\r\n")[:2]
    return header.split(","), [cell.strip('"') for cell in row.split(",")]


def test_numbers_and_booleans_are_read_as_field_values(admin: User) -> None:
    def fill(sheet: Any) -> None:
        header, row = _header_and_row()
        sheet.write_row(0, 0, [*header, "offsetX", "isEnabled", "isAutopilot"])
        sheet.write_row(1, 0, [*row, 30, False, "Yes"])
        sheet.write_number(1, 0, 2024)

    assert import_content(_workbook(fill), admin, format_name="xlsx").problems == []
    webchat = Webchat.objects.get()
    assert (webchat.name, webchat.offset_x) == ("2024", 30)
    assert (webchat.is_enabled, webchat.is_autopilot) == (False, True)


def test_a_formula_is_rejected_instead_of_importing_its_result(admin: User) -> None:
    def fill(sheet: Any) -> None:
        header, row = _header_and_row()
        sheet.write_row(0, 0, header)
        sheet.write_row(1, 0, row)
        sheet.write_row(2, 0, row)
        sheet.write_formula(2, 0, '="Comp"&"uted"', None, "Computed")

    report = import_content(_workbook(fill), admin, format_name="xlsx")
    assert problem_locations(report) == [(3, "name")]
    assert "Formulas are not allowed" in report.problems[0].reason


def test_a_formula_of_a_conditional_format_is_not_a_cell(admin: User) -> None:
    def fill(sheet: Any) -> None:
        header, row = _header_and_row()
        sheet.write_row(0, 0, header)
        sheet.write_row(1, 0, row)
        rule = {"type": "formula", "criteria": "=$A$2>1"}
        sheet.conditional_format("A1:A2", rule)
        sheet.conditional_format("A1:A2", {"type": "data_bar", "data_bar_2010": True})
        sheet.data_validation("A2", {"validate": "list", "source": "=$B$1:$B$2"})

    assert import_content(_workbook(fill), admin, format_name="xlsx").problems == []


def test_a_cell_to_the_right_of_the_header_is_reported(admin: User) -> None:
    def fill(sheet: Any) -> None:
        header, row = _header_and_row()
        sheet.write_row(0, 0, header)
        sheet.write_row(1, 0, [*row, "", "more"])

    report = import_content(_workbook(fill), admin, format_name="xlsx")
    assert "to the right" in report.problems[0].reason


def test_a_formula_below_empty_rows_is_not_imported(admin: User) -> None:
    def fill(sheet: Any) -> None:
        header, row = _header_and_row()
        sheet.write_row(3, 0, header)
        sheet.write_row(4, 0, row)
        sheet.write_formula(4, 0, "=1+1", None, 2)

    assert import_content(_workbook(fill), admin, format_name="xlsx").status == "refused"
    assert not Webchat.objects.exists()


# --- Malformed workbooks ---


def _edit(workbook: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """Return the workbook with a change to the content of ``xl/PART``."""
    edited = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook)) as old,
        zipfile.ZipFile(edited, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content) if name == f"xl/{part}" else content)
    return edited.getvalue()


def _edited_workbook(old: str, new: str, part: str = "worksheets/sheet1.xml") -> bytes:
    """Return a workbook with numbers in A1 and B2, and ``old`` replaced by ``new`` in one part."""

    def fill(sheet: Any) -> None:
        sheet.write_number(0, 0, 1)
        sheet.write_number(1, 1, 2)

    def change(content: bytes) -> bytes:
        assert old.encode() in content
        return content.replace(old.encode(), new.encode())

    return _edit(_workbook(fill), part, change)


def _reason(admin: User, content: bytes) -> str:
    """Return the reason why an import refuses the file."""
    report = import_content(content, admin, format_name="xlsx")
    assert report.status == "refused"
    return report.problems[0].reason


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ('<c r="XFD1048576"', "cell at XFD1048576"),
        ('<c s="0" t = "n"\n r = "XFD1048576"', "cell at XFD1048576"),
        ("<c r='XFD1048576'", "cell at XFD1048576"),
        ('<x:c xmlns:x="urn:x" r="XFD1048576"', "cell at XFD1048576"),
        ('<c r="GS2"', "cell at GS2"),
        ('<c r="cv1048576"', "cell at cv1048576"),
        ('<c r="B12345678"', "no reference"),
        ('<c r="ABCD2"', "no reference"),
        ('<c r="2"', "no reference"),
        ('<c r="B"', "no reference"),
        ('<c r="B²"', "no reference"),
        ("<c", "no reference"),
        ("<c " + 'r="A1" ' * 30_000, "duplicate attribute"),
        ('<c x="' + "x" * 3_000_000 + '" r="B2"', "too long"),
        ("<!--" + "x" * 3_000_000 + '--><c r="B2"', "too long"),
    ],
)
def test_a_sheet_that_is_too_large_or_malformed_is_refused(
    admin: User, tag: str, reason: str
) -> None:
    assert reason in _reason(admin, _edited_workbook('<c r="B2"', tag))


def test_a_very_long_tag_is_refused_quickly(admin: User) -> None:
    content = _edited_workbook('<c r="B2"', '<c x="' + "x" * 60_000_000 + '" r="B2"')
    start = time.process_time()
    assert "too long" in _reason(admin, content)
    assert time.process_time() - start < 5


def test_a_distant_cell_is_found_across_the_chunks_of_a_sheet(admin: User) -> None:
    for length in range(1_048_576 - 700, 1_048_576 - 200, 97):
        comment = f"<!--{'x' * (length // 2)}-->"
        tag = f'{comment}{comment}<c r="XFD1048576"'
        with pytest.raises(FileRefused, match="too large"):
            find_formulas(io.BytesIO(_edited_workbook('<c r="B2"', tag)))


@pytest.mark.parametrize("part", ["worksheets/sheet1.xml", "workbook.xml"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_doctype_is_refused_in_any_encoding(admin: User, part: str, encoding: str) -> None:
    declaration = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    entities = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
    content = _edited_workbook(declaration, declaration + entities, part)

    def encode(xml: bytes) -> bytes:
        return xml.decode().replace("UTF-8", encoding.upper()).encode(encoding)

    assert "DOCTYPE" in _reason(admin, _edit(content, part, encode))


_SECOND_SHEET = '<x:sheet xmlns:x="urn:x" name="second" sheetId="9" r:id="rId2"/>'


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("<sheets>", "<sheets>", "workbook.xml"),
        ("<sheets>", f"<sheets>{_SECOND_SHEET}", "workbook.xml"),
        ("<sheets>", f"<other>{_SECOND_SHEET}</other><sheets>", "workbook.xml"),
        ('r:id="rId1"', 'r:id="rId1" xmlns:q="urn:q" q:id="rId2"', "workbook.xml"),
        ('Id="rId2"', 'Id="rId1"', "_rels/workbook.xml.rels"),
    ],
)
@pytest.mark.parametrize("number", [1, 2])
def test_the_sheet_that_is_scanned_for_formulas_is_the_sheet_that_is_read(
    old: str, new: str, part: str, number: int
) -> None:
    def add_formulas(xml: bytes) -> bytes:
        return xml.replace(b"<v>", b"<f>1+1</f><v>")

    content = _edited_workbook(old, new, part)
    content = _edit(content, f"worksheets/sheet{number}.xml", add_formulas)
    try:
        formulas = find_formulas(io.BytesIO(content))
    except FileRefused:
        return
    read = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert bool(formulas) == (number == (2 if read == [["notes"]] else 1))


def test_two_parts_whose_names_differ_only_in_case_are_refused(admin: User) -> None:
    content = io.BytesIO(_edited_workbook("<v>", "<v>"))
    with zipfile.ZipFile(content, "a") as archive:
        archive.writestr("xl/Worksheets/sheet1.xml", archive.read("xl/worksheets/sheet2.xml"))
    assert "two parts have the same name" in _reason(admin, content.getvalue())


def test_a_workbook_with_other_namespaces_is_read() -> None:
    transitional = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    content = _edited_workbook(transitional, "urn:strict:main", "workbook.xml")
    with FORMATS["xlsx"].open_table(io.BytesIO(content)) as table:
        assert table.header == ["1"]


@pytest.mark.parametrize("part", ["worksheets/sheet1.xml", "workbook.xml"])
def test_an_unknown_encoding_is_refused(admin: User, part: str) -> None:
    content = _edited_workbook('encoding="UTF-8"', 'encoding="UTF-9"', part)
    assert "unknown encoding" in _reason(admin, content)


def test_a_workbook_with_any_damaged_byte_is_read_or_refused() -> None:
    content = _edited_workbook("<v>", "<v>")
    refused = 0
    for position in range(0, len(content), 7):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        try:
            with FORMATS["xlsx"].open_table(io.BytesIO(bytes(damaged))) as table:
                list(table.rows)
        except FileRefused:
            refused += 1
    assert refused > 100
