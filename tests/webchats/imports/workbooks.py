"""Workbooks for tests: as a program writes them, changed in one part, or made of raw XML."""

import io
import zipfile
from collections.abc import Callable, Iterable
from typing import Any

import xlsxwriter

_TYPE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
#: The parts that every workbook needs, by path.
_INDEX = {
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_TYPE}"><sheets>'
    '<sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": "<Relationships>"
    f'<Relationship Id="rId1" Type="{_TYPE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_TYPE}/sharedStrings" Target="sharedStrings.xml"/>'
    f'<Relationship Id="rId3" Type="{_TYPE}/styles" Target="styles.xml"/></Relationships>',
}


def write_workbook(fill: Callable[[Any], object]) -> bytes:
    """Return a workbook of two sheets: ``fill`` writes the first, the second has a note."""
    file = io.BytesIO()
    workbook = xlsxwriter.Workbook(file)
    fill(workbook.add_worksheet())
    workbook.add_worksheet().write(0, 0, "notes")
    workbook.close()
    return file.getvalue()


def edit(workbook: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
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


def pack(
    sheet: Iterable[str],
    strings: Iterable[str] = (),
    styles: Iterable[str] = (),
    compression: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """Return a workbook with the given XML of its rows, shared strings and styles."""
    parts = {
        "worksheets/sheet1.xml": (f'<worksheet xmlns="{_MAIN}"><sheetData>', sheet),
        "sharedStrings.xml": (f'<sst xmlns="{_MAIN}">', strings),
        "styles.xml": (f'<styleSheet xmlns="{_MAIN}">', styles),
    }
    ends = ("</sheetData></worksheet>", "</sst>", "</styleSheet>")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression, compresslevel=1) as archive:
        for path, xml in _INDEX.items():
            archive.writestr(path, xml, zipfile.ZIP_DEFLATED)
        for (name, (start, chunks)), end in zip(parts.items(), ends, strict=True):
            with archive.open(f"xl/{name}", "w") as part:
                for chunk in (start, *chunks, end):
                    part.write(chunk.encode())
    return file.getvalue()
