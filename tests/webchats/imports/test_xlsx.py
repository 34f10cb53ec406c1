"""Excel workbooks: values, formulas, and malformed workbooks."""

import io
import time
import zipfile
from datetime import date
from typing import Any

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from organizations.models import User
from tests.support import factories
from tests.webchats.imports.files import STRINGS, import_content, problem_locations, to_csv
from tests.webchats.imports.workbooks import edit, pack, write_workbook
from webchats.imports.formats import FORMATS
from webchats.imports.formats.xlsx_sheet import read_rows
from webchats.imports.rows import FileRefused, Formula
from webchats.models import Webchat


@pytest.fixture(autouse=True)
def _prompt(admin: User) -> None:
    factories.PromptFactory.create(organization=admin.organization, name="Sales")


def _header_and_row() -> tuple[list[str], list[str]]:
    header, row = to_csv({}).split("\r\n")[:2]
    return header.split(","), [cell.strip('"') for cell in row.split(",")]


def test_numbers_and_booleans_are_read_as_field_values(admin: User) -> None:
    def fill(sheet: Any) -> None:
        header, row = _header_and_row()
        sheet.write_row(0, 0, [*header, "offsetX", "isEnabled", "isAutopilot"])
        sheet.write_row(1, 0, [*row, 30, False, "Yes"])
        sheet.write_number(1, 0, 2024)

    assert import_content(write_workbook(fill), admin, format_name="xlsx").problems == []
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

    report = import_content(write_workbook(fill), admin, format_name="xlsx")
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

    assert import_content(write_workbook(fill), admin, format_name="xlsx").problems == []


def test_a_cell_to_the_right_of_the_header_is_reported(admin: User) -> None:
    def fill(sheet: Any) -> None:
        header, row = _header_and_row()
        sheet.write_row(0, 0, header)
        sheet.write_row(1, 0, [*row, "", "more"])

    report = import_content(write_workbook(fill), admin, format_name="xlsx")
    assert "to the right" in report.problems[0].reason


def test_a_formula_below_empty_rows_is_not_imported(admin: User) -> None:
    def fill(sheet: Any) -> None:
        header, row = _header_and_row()
        sheet.write_row(3, 0, header)
        sheet.write_row(4, 0, row)
        sheet.write_formula(4, 0, "=1+1", None, 2)

    assert import_content(write_workbook(fill), admin, format_name="xlsx").status == "refused"
    assert not Webchat.objects.exists()


def test_texts_dates_and_errors_are_read_as_other_programs_read_them() -> None:
    def fill(sheet: Any) -> None:
        texts = [*STRINGS, "_x000D_", "_x0041__x0042_", "_xD83D__xDE00_", "\U0001f600", " blank "]
        sheet.write_column(0, 0, texts)

        for row, number in enumerate([0.1, 1e15, -3, 24.0, 1e300, 2**53]):
            sheet.write_number(row, 2, number)

    content = write_workbook(fill)
    read = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    ours = dict(read_rows(io.BytesIO(content)))
    for number, cells in enumerate(read, 1):
        texts = {column: cell for column, cell in enumerate(cells) if cell != ""}
        for column, cell in texts.items():
            expected = cell
            if isinstance(cell, float):
                expected = str(int(cell)) if cell.is_integer() else repr(cell)
            assert ours[number][column] == expected
        assert ours[number].keys() == texts.keys()


@pytest.mark.parametrize(
    ("number", "number_format", "text"),
    [
        (45_000, "yyyy-mm-dd", "2023-03-15"),
        (45_000.75, "d. mmm yyyy h:mm", "2023-03-15T18:00:00"),
        (0.5, "[h]:mm", "12:00:00"),
        (45_000, 14, "2023-03-15"),
        (45_000, "General", "45000"),
        (45_000, '0.00 "days"', "45000"),
        (45_000, "[Red]0", "45000"),
        (3e8, "yyyy", "300000000"),
        (-800_000, "yyyy", "-800000"),
    ],
)
def test_a_number_with_the_format_of_a_date_is_a_date(
    number: float, number_format: str | int, text: str
) -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as workbook:
        cell_format = workbook.add_format({"num_format": number_format})
        workbook.add_worksheet().write_number(0, 0, number, cell_format)
    assert list(read_rows(file)) == [(1, {0: text})]


def test_dates_may_be_counted_from_1904() -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"date_1904": True}) as workbook:
        date_format = workbook.add_format({"num_format": "yyyy-mm-dd"})
        workbook.add_worksheet().write_datetime(0, 0, date(2026, 3, 12), date_format)
    assert list(read_rows(file)) == [(1, {0: "2026-03-12"})]


def test_the_reading_of_a_japanese_text_is_left_out() -> None:
    text = "<t>東京</t><rPh sb='0' eb='2'><t>トウキョウ</t></rPh>"
    cells = f'<c r="A1" t="s"><v>0</v></c><c r="B1" t="inlineStr"><is>{text}</is></c>'
    content = pack([f'<row r="1">{cells}</row>'], [f"<si>{text}</si>"])
    assert list(read_rows(io.BytesIO(content))) == [(1, {0: "東京", 1: "東京"})]


def test_an_error_value_is_not_imported_as_a_text(admin: User) -> None:
    header = '<row r="1"><c r="A1" t="str"><v>name</v></c></row>'
    error = '<row r="2"><c r="A2" t="e"><v>#N/A</v></c></row>'
    report = import_content(pack([header, error]), admin, format_name="xlsx")
    assert "Formulas are not allowed" in report.problems[0].reason
    assert problem_locations(report)[0] == (2, "name")


def test_rows_without_a_number_follow_each_other() -> None:
    content = pack(['<row><c r="A1"><v>1</v></c></row><row><c r="A2"><v>2</v></c></row>'])
    assert list(read_rows(io.BytesIO(content))) == [(1, {0: "1"}), (2, {0: "2"})]


# --- Malformed workbooks ---


def _edited_workbook(old: str, new: str, part: str = "worksheets/sheet1.xml") -> bytes:
    """Return a workbook with numbers in A1 and B2, and ``old`` replaced by ``new`` in one part."""

    def fill(sheet: Any) -> None:
        sheet.write_number(0, 0, 1)
        sheet.write_number(1, 1, 2)

    def change(content: bytes) -> bytes:
        assert old.encode() in content
        return content.replace(old.encode(), new.encode())

    return edit(write_workbook(fill), part, change)


def _reason(admin: User, content: bytes) -> str:
    """Return the reasons why an import refuses the file."""
    report = import_content(content, admin, format_name="xlsx")
    assert report.status == "refused"
    return " ".join(problem.reason for problem in report.problems)


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ('<c r="XFD2"', "cell at XFD2"),
        ('<c s="0" t = "n"\n r = "XFD2"', "cell at XFD2"),
        ("<c r='XFD2'", "cell at XFD2"),
        ('<x:c xmlns:x="urn:x" r="XFD2"', "mismatched tag"),
        ('<c r="A2"><v>1</v></c><c r="A2"', "two cells A2"),
        ('<row r="1"><c r="A1"><v>1</v></c></row><c r="A2"', "behind row 2"),
        ('<row r="x"><c r="A1"', "a row has the number x"),
        ('<c r="B2" t="s"><v>7</v></c><c r="C2"', "no shared string 7"),
        ('<c r="B2" t="s"><v>-1</v></c><c r="C2"', "no shared string -1"),
        (f'<c r="B2" t="s"><v>{"9" * 30}</v></c><c r="C2"', "no shared string"),
        ('<c r="GS2"', "cell at GS2"),
        ('<c r="gs2"', "cell at gs2"),
        ('<c r="XFD1048576"', "without a reference"),
        ('<c r="cv1048576"', "without a reference"),
        ('<c r="B12345678"', "without a reference"),
        ('<c r="ABCD2"', "without a reference"),
        ('<c r="2"', "without a reference"),
        ('<c r="B"', "without a reference"),
        ('<c r="B²"', "without a reference"),
        ("<c", "without a reference"),
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
    for length in range(65_536 - 700, 65_536 - 200, 47):
        comment = f"<!--{'x' * (length // 2)}-->"
        tag = f'{comment}{comment}<c r="XFD2"'
        with pytest.raises(FileRefused, match="too large"):
            list(read_rows(io.BytesIO(_edited_workbook('<c r="B2"', tag))))


def test_empty_cells_far_to_the_right_and_far_down_are_ignored() -> None:
    cells = '<row r="1"><c r="A1"><v>1</v></c><c r="XFD1" s="0"/></row><row r="1048576" s="0"/>'
    assert list(read_rows(io.BytesIO(pack([cells])))) == [(1, {0: "1"})]


@pytest.mark.parametrize(
    "part",
    [
        "workbook.xml",
        "_rels/workbook.xml.rels",
        "worksheets/sheet1.xml",
        "sharedStrings.xml",
        "styles.xml",
    ],
)
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-1", "cp1252"]
)
def test_a_doctype_is_refused_in_any_encoding(admin: User, part: str, encoding: str) -> None:
    declaration = "?>"
    entities = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
    content = _edited_workbook(declaration, declaration + entities, part)

    def encode(xml: bytes) -> bytes:
        declared = {"utf-8-sig": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}
        name = declared.get(encoding, encoding)
        return xml.decode().replace("UTF-8", name).encode(encoding)

    assert "DOCTYPE" in _reason(admin, edit(content, part, encode))


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
def test_the_sheet_that_is_read_is_the_one_that_other_programs_read(
    old: str, new: str, part: str, number: int
) -> None:
    def add_formulas(xml: bytes) -> bytes:
        return xml.replace(b"<v>", b"<f>1+1</f><v>")

    content = _edited_workbook(old, new, part)
    content = edit(content, f"worksheets/sheet{number}.xml", add_formulas)
    try:
        rows = list(read_rows(io.BytesIO(content)))
    except FileRefused:
        return
    formulas = [cell for _, cells in rows for cell in cells.values() if isinstance(cell, Formula)]
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
