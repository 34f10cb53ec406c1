"""The formulas of a workbook's first sheet, and the limits of its size.

``python-calamine``, which reads the values, reports the result of a formula and not the formula. It
also unpacks the whole sheet in memory, so this scan runs first and refuses sheets that are too
large.
"""

import posixpath
import re
import string
import zipfile
import zlib
from lzma import LZMAError
from typing import IO, BinaryIO, Final
from xml.etree.ElementTree import Element, ParseError
from xml.parsers import expat

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from webchats.imports.rows import FileRefused

#: The exceptions of ``zipfile`` and the parsers for a broken file. ``NotImplementedError``, for an
#: unknown compression, is a ``RuntimeError``.
_ERRORS: Final = (
    EOFError,
    LookupError,
    LZMAError,
    NotImplementedError,
    OSError,
    ParseError,
    ValueError,
    expat.ExpatError,
    zipfile.BadZipFile,
    zlib.error,
)
_DOCTYPE: Final = "The file is not an Excel workbook (.xlsx): it has a DOCTYPE."

MAX_UNPACKED_BYTES: Final = 512 * 1024 * 1024
_MAX_INDEX_BYTES: Final = 1 << 20
#: Also the maximum length of a tag or a comment.
_CHUNK: Final = 1 << 20

#: ``calamine`` allocates every cell between the first and the last one, empty ones included.
MAX_COLUMNS: Final = 200
MAX_CELLS: Final = 1 << 26
_MAX_DIGITS: Final = 7
_REFERENCE: Final = re.compile(rf"[A-Za-z]{{1,3}}[0-9]{{1,{_MAX_DIGITS}}}")


def find_formulas(file: BinaryIO) -> dict[int, list[int]]:
    """Return the columns (from 0) of the first sheet's formulas, by row (from 1).

    Raise ``FileRefused`` if the file is not a workbook or is too large.
    """
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED_BYTES:
                limit = MAX_UNPACKED_BYTES // (1024 * 1024)
                raise FileRefused(f"The unpacked workbook is larger than {limit} MiB. Use CSV.")
            with archive.open(_first_sheet(archive)) as part:
                return _SheetScanner().scan(part)
    except DefusedXmlException:
        raise FileRefused(_DOCTYPE) from None
    except _ERRORS as error:
        raise FileRefused(f"The file is not an Excel workbook (.xlsx): {error}.") from None
    except RuntimeError:
        raise FileRefused("The workbook is protected by a password.") from None


class _SheetScanner:
    """Finds formulas in a sheet's XML, and refuses a sheet that is too large to be read.

    Uses expat directly: ``defusedxml.sax`` takes twice as long and does not report the position.
    """

    def __init__(self) -> None:
        self._formulas: dict[int, list[int]] = {}
        self._width = self._height = 0
        self._columns: dict[str, int] = {}
        self._cell: tuple[int, int] | None = None

    def scan(self, part: IO[bytes]) -> dict[int, list[int]]:
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start_element
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        size = 0
        while chunk := part.read(_CHUNK):
            parser.Parse(chunk, False)
            size += len(chunk)
            # Expat would scan an unfinished tag again with each chunk.
            if size - parser.CurrentByteIndex > _CHUNK:
                raise FileRefused("The sheet has a tag or comment that is too long.")
        parser.Parse(b"", True)
        return self._formulas

    def _start_element(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        if name == "c":
            self._cell = self._parse_reference(attributes.get("r", ""))
        elif name == "f" and self._cell is not None:
            row, column = self._cell
            self._formulas.setdefault(row, []).append(column)
        elif name != "v":
            # After the cells, ``f`` is part of a chart or of a formatting rule.
            self._cell = None

    def _parse_reference(self, reference: str) -> tuple[int, int]:
        """Return row (from 1) and column (from 0) of a reference such as ``B2``."""
        letters = reference.rstrip(string.digits)
        digits = reference[len(letters) :]
        if letters not in self._columns or not 1 <= len(digits) <= _MAX_DIGITS:
            if not _REFERENCE.fullmatch(reference):
                raise FileRefused("A cell has no reference such as B2. Save the sheet as CSV.")
            self._columns[letters] = _to_column_index(letters)
            self._width = max(self._width, self._columns[letters] + 1)
        row = int(digits)
        self._height = max(self._height, row)
        if self._width > MAX_COLUMNS or self._width * self._height > MAX_CELLS:
            raise FileRefused(
                f"The sheet is too large: it has a cell at {reference}. The maximum is "
                f"{MAX_COLUMNS} columns and {MAX_CELLS:,} cells, empty ones included."
            )
        return row, self._columns[letters]

    def _refuse_doctype(self, *_: object) -> None:
        raise FileRefused(_DOCTYPE)


def _to_column_index(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


# --- The parts of a workbook ---


def _first_sheet(archive: zipfile.ZipFile) -> str:
    """Return the path of the first sheet. Raise ``ValueError`` if it is ambiguous.

    ``calamine`` ignores namespaces and the case of paths. The sheet that is scanned for formulas
    must be the one that it reads.
    """
    names = [name.replace("\\", "/").casefold() for name in archive.namelist()]
    if len(set(names)) < len(names):
        raise ValueError("two parts have the same name")
    sheets = _elements(_parse(archive, "xl/workbook.xml"), "sheet")
    relations = _elements(_parse(archive, "xl/_rels/workbook.xml.rels"), "Relationship")
    targets = {_attribute(relation, "Id"): _attribute(relation, "Target") for relation in relations}
    if not sheets or len(targets) < len(relations):
        raise ValueError("it has no sheet, or two parts with the same id")
    target = targets[_attribute(sheets[0], "id")]
    return posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")


def _parse(archive: zipfile.ZipFile, name: str) -> Element:
    with archive.open(name) as part:
        root: Element = fromstring(part.read(_MAX_INDEX_BYTES), forbid_dtd=True)
    return root


def _elements(root: Element, name: str) -> list[Element]:
    return [element for element in root.iter() if element.tag.rpartition("}")[2] == name]


def _attribute(element: Element, name: str) -> str:
    """Return the only attribute of this name, in any namespace."""
    values = [value for key, value in element.items() if key.rpartition("}")[2] == name]
    if len(values) != 1:
        raise ValueError(f"an element does not have exactly one {name}")
    return values[0]
