"""Rows of an Excel workbook's first sheet, as text."""

import datetime
import posixpath
import re
import zipfile
from collections.abc import Iterator
from typing import IO, Any, BinaryIO, Final
from xml.etree import ElementTree as ET

from python_calamine import CalamineError, CalamineWorkbook

from webchats.imports.columns import Formula
from webchats.imports.report import FileRefused

#: A sheet is unpacked in memory, unlike the other formats, and a packed file can be a bomb.
MOST_UNPACKED_BYTES: Final = 512 * 1024 * 1024
_MOST_INDEX_BYTES: Final = 1 << 20
_CHUNK: Final = 1 << 20

#: The reader lays out every cell between the first and the last, be they filled or not.
MOST_COLUMNS: Final = 200
MOST_CELLS: Final = 1 << 26
_CELL: Final = re.compile(
    rb"<(?:[^\s<>/!?:]++:)?c(?=[\s/>])"
    # Its attributes up to the reference, and whether a formula follows.
    rb"(?:\s++(?:[\w:.-]++\s*+=\s*+\"[^\"<>]*+\"\s++)*?"
    rb"r\s*+=\s*+\"([A-Za-z]{1,3})([0-9]{1,7})\"[^<>]*+>(\s*+<(?:[^\s<>/!?:]++:)?f[\s/>])?)?"
)


def rows(file: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of every row; cells that hold a formula are ``Formula``."""
    formulas = _formulas(file)
    file.seek(0)
    try:
        workbook = CalamineWorkbook.from_filelike(file)
        sheet = workbook.get_sheet_by_index(0)
    except (CalamineError, IndexError, ValueError) as error:
        raise FileRefused(f"The file is not an Excel workbook (.xlsx): {error}.") from None
    # Rows are given from the sheet's first used one; cells from column A.
    for number, cells in enumerate(sheet.iter_rows(), 1):
        texts = [_text(cell) for cell in cells]
        for column in formulas.get(number, ()):
            if column < len(texts):
                texts[column] = Formula(texts[column] or "=")
        yield number, texts


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


def _formulas(file: BinaryIO) -> dict[int, list[int]]:
    """Where the first sheet has formulas: columns from 0 by row from 1. The reader of the values
    shows only their results."""
    found: dict[int, list[int]] = {}
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            if sum(part.file_size for part in archive.infolist()) > MOST_UNPACKED_BYTES:
                most = MOST_UNPACKED_BYTES // (1024 * 1024)
                raise FileRefused(f"Unpacked the workbook is over {most} MiB. Send it as CSV.")
            with archive.open(_first_sheet(archive)) as part:
                for row, column in _formula_cells(part):
                    found.setdefault(row, []).append(column)
    except (zipfile.BadZipFile, KeyError, ET.ParseError, NotImplementedError, OSError) as error:
        raise FileRefused(f"The file is not an Excel workbook (.xlsx): {error}.") from None
    except RuntimeError:
        raise FileRefused("The workbook is protected by a password.") from None
    return found


def _formula_cells(part: IO[bytes]) -> Iterator[tuple[int, int]]:
    """Row and column of each; raises ``FileRefused`` for a sheet that is too large to lay out."""
    height = width = 0
    columns: dict[bytes, int] = {}
    for letters, digits, formula in _cells(part):
        if letters not in columns:
            if not letters:
                raise FileRefused("A cell does not say where it stands. Send the sheet as CSV.")
            columns[letters] = _column(letters)
            width = max(width, columns[letters] + 1)
        row = int(digits)
        height = max(height, row)
        if width > MOST_COLUMNS or width * height > MOST_CELLS:
            raise FileRefused(
                f"The sheet is too large: it has a cell in {letters.decode()}{row}. At most "
                f"{MOST_COLUMNS} columns and {MOST_CELLS:,} cells, empty ones counted, are read."
            )
        if formula:
            yield row, columns[letters]


def _cells(part: IO[bytes]) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Column, row and formula of every cell, as they are written; empty where there is none."""
    rest = b""
    while chunk := part.read(_CHUNK):
        data = rest + chunk
        # From a cell on that the next chunk may continue. Nothing of a cell that matters here is
        # as long as a chunk; what follows the last cell is.
        end = data.rfind(b"<c")
        if end < 0:
            end = data.rfind(b"<", 0, data.rfind(b":c") + 1)
        if end < 0 or len(data) - end > _CHUNK:
            end = data.rfind(b"<") if b"<" in data else len(data)
        if len(data) - end > _CHUNK:
            raise FileRefused("The sheet has a cell that is too long.")
        yield from _CELL.findall(data[:end])
        rest = data[end:]
    yield from _CELL.findall(rest)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number - 1


def _first_sheet(archive: zipfile.ZipFile) -> str:
    """The path of the first sheet's part, which must be the one that the reader of the values
    lays out: it minds neither namespaces nor the case of a path, so that more than one may be."""
    names = [name.replace("\\", "/").casefold() for name in archive.namelist()]
    if len(set(names)) < len(names):
        raise KeyError("it has two parts of one name")
    sheets = _elements(_xml(archive, "xl/workbook.xml"), "sheet")
    relations = _elements(_xml(archive, "xl/_rels/workbook.xml.rels"), "Relationship")
    targets = {_only(each, "Id"): _only(each, "Target") for each in relations}
    if not sheets or len(targets) < len(relations):
        raise KeyError("it has no sheet, or two parts of one id")
    target = targets[_only(sheets[0], "id")]
    return posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")


def _elements(part: ET.Element, name: str) -> list[ET.Element]:
    """Every element of the name, in whichever namespace."""
    return [found for found in part.iter() if found.tag.rpartition("}")[2] == name]


def _only(element: ET.Element, name: str) -> str:
    found = [value for key, value in element.items() if key.rpartition("}")[2] == name]
    if len(found) != 1:
        raise KeyError(f"it has no {name}, or two, where there is to be one")
    return found[0]


def _xml(archive: zipfile.ZipFile, name: str) -> ET.Element:
    with archive.open(name) as part:
        text = part.read(_MOST_INDEX_BYTES)
    if b"<!DOCTYPE" in text:
        raise KeyError("it declares a document type")
    return ET.fromstring(text)  # noqa: S314 - without a document type there are no entities
