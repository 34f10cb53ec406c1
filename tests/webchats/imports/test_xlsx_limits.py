"""Small workbooks that expand to a lot of data."""

import json
import zipfile
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest

from organizations.models import User
from tests.webchats.imports.test_processes import PRINT_MEMORY, start
from tests.webchats.imports.workbooks import pack
from webchats.imports.formats.xlsx_parts import MAX_UNPACKED_BYTES

pytestmark = pytest.mark.django_db(transaction=True)

_HEADER = '<row r="1"><c r="A1" t="inlineStr"><is><t>name</t></is></c></row>'
_MIB = 1 << 20


def _distant_cells() -> bytes:
    """67 million cells, if empty ones are counted."""
    first = '<c r="A335000" t="inlineStr"><is><t>x</t></is></c>'
    last = '<c r="GR335000" t="inlineStr"><is><t>x</t></is></c>'
    return pack([_HEADER, f'<row r="335000">{first}{last}</row>'])


def _repeated_string() -> bytes:
    """3 GB of text, if each cell has a copy of its own."""
    rows = (f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(2, 100_000))
    return pack([_HEADER, *rows], [f"<si><t>{'y' * 32_000}</t></si>"])


def _long_rows() -> bytes:
    """500 MB of text in the first 2,000 rows: one wide character makes a text four times as big."""

    def cells(row: int) -> str:
        text = f"<is><t>😀{row}{'y' * 32_000}</t></is>"
        return "".join(f'<c r="{column}{row}" t="inlineStr">{text}</c>' for column in "AB")

    header = _HEADER.replace("</row>", '<c r="B1" t="str"><v>description</v></c></row>')
    rows = (f'<row r="{row}">{cells(row)}</row>' for row in range(2, 2_002))
    return pack(chain([header], rows))


def _endless_text() -> bytes:
    return pack([_HEADER, '<row r="2"><c r="A2" t="str"><v>', *["x" * _MIB] * 300])


def _endless_shared_string() -> bytes:
    return pack([_HEADER], ["<si><t>", *["x" * _MIB] * 60])


def _large_shared_strings() -> bytes:
    return pack([_HEADER], [f"<si><t>{'x' * 30_000}</t></si>"] * 2_500)


def _many_styles() -> bytes:
    formats = "".join(f'<numFmt numFmtId="{n}" formatCode="yyyy"/>' for n in range(60_000))
    styles = '<xf numFmtId="14"/>' * 50_000
    return pack([_HEADER], styles=[formats, "<cellXfs>", *[styles] * 10, "</cellXfs>"])


def _deeply_nested() -> bytes:
    """Ten million open tags, for each of which expat keeps 120 bytes."""
    return pack([_HEADER, *["<a>" * 1_000_000] * 10])


def _deep_shared_strings() -> bytes:
    return pack([_HEADER], ["<a>" * 1_000_000] * 10)


def _many_elements() -> bytes:
    return pack([_HEADER, *(f"<e{n}/>" for n in range(400_000))])


def _many_attributes() -> bytes:
    return pack([_HEADER], styles=(f'<xf a{n}=""/>' for n in range(400_000)))


def _too_large() -> bytes:
    return pack([_HEADER, *[" " * _MIB] * (MAX_UNPACKED_BYTES // _MIB)])


def _other_compression(compression: int) -> Callable[[], bytes]:
    return lambda: pack([_HEADER, *[" " * _MIB] * 20], compression=compression)


#: Imports files as a dry run; prints each output as JSON and at last the maximum memory in KiB.
_MEASURED = (
    """
import io, json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "webchat_project.settings"
import django
django.setup()
from django.core.management import CommandError, call_command
organization, *files = sys.argv[1:]
for file in files:
    errors = io.StringIO()
    options = {"dry_run": True, "stdout": io.StringIO(), "stderr": errors}
    try:
        call_command("import_webchats", file, organization=organization, **options)
    except CommandError as error:
        errors.write(str(error))
    print(json.dumps(errors.getvalue()[-2000:]))
"""
    + PRINT_MEMORY
)


def test_small_workbooks_that_expand_are_refused_within_400_mib(
    admin: User, tmp_path: Path
) -> None:
    workbooks: dict[Callable[[], bytes], str] = {
        _distant_cells: "row 335000: The row has cells to the right of the header's last column.",
        _repeated_string: "The texts of the sheet are too long in total",
        _long_rows: "description: Ensure this value has at most 2000 characters",
        _endless_text: "a cell with more than 32,767 characters",
        _endless_shared_string: "a cell with more than 32,767 characters",
        _large_shared_strings: "xl/sharedStrings.xml is larger than 64 MiB unpacked",
        _many_styles: "",
        _deeply_nested: "not an Excel workbook (.xlsx): elements are nested more than 64 levels",
        _deep_shared_strings: "elements are nested more than 64 levels deep",
        _many_elements: "it has more than 2,000 names of elements or attributes",
        _many_attributes: "it has more than 2,000 names of elements or attributes",
        _too_large: "The unpacked workbook is larger than 512 MiB",
        _other_compression(zipfile.ZIP_BZIP2): "an unusual compression",
        _other_compression(zipfile.ZIP_LZMA): "an unusual compression",
    }
    paths = [tmp_path / f"{number}.xlsx" for number in range(len(workbooks))]
    for path, make in zip(paths, workbooks, strict=True):
        path.write_bytes(make())
        assert path.stat().st_size < 5 * _MIB
    process = start(str(admin.organization_id), *paths, code=_MEASURED)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    *reports, kibibytes = output.splitlines()
    for report, reason in zip(map(json.loads, reports), workbooks.values(), strict=True):
        assert reason in report
    assert int(kibibytes) < 400 * 1024
