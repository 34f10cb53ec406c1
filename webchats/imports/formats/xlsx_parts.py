"""The parts of a workbook: XML files in a ZIP archive, which refer to each other (ECMA-376)."""

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, Final
from xml.parsers import expat

from webchats.imports.formats.xlsx_xml import XmlParser, strip_prefix
from webchats.imports.rows import FileRefused

MAX_UNPACKED_BYTES: Final = 512 * 1024 * 1024
#: Shared strings go to a temporary file, which may be in memory (``tmpfs``).
MAX_RELATED_BYTES: Final = 64 * 1024 * 1024
_MAX_INDEX_BYTES: Final = 1 << 20
#: ``zipfile`` unpacks the other ones without a limit of memory. Spreadsheets do not use them.
_COMPRESSIONS: Final = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
#: The exceptions of ``zipfile`` and expat for a damaged file. ``NotImplementedError``, for an
#: unknown compression, is a ``RuntimeError``.
_ERRORS: Final = (
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    ValueError,
    expat.ExpatError,
    zipfile.BadZipFile,
    zlib.error,
)
_WORKBOOK: Final = "xl/workbook.xml"
_RELATIONS: Final = "xl/_rels/workbook.xml.rels"


@contextmanager
def damage_refused() -> Iterator[None]:
    """Raise ``FileRefused`` for the errors that a damaged or protected workbook causes."""
    try:
        yield
    except _ERRORS as error:
        raise FileRefused(f"The file is not an Excel workbook (.xlsx): {error}.") from None
    except RuntimeError:
        raise FileRefused("The workbook is protected by a password.") from None


class Workbook:
    """The parts of a workbook. Its methods raise the errors that ``damage_refused`` handles.

    Raise ``FileRefused`` for a workbook that is too large.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._archive = zipfile.ZipFile(file)
        parts = self._archive.infolist()
        if sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
            limit = MAX_UNPACKED_BYTES // (1024 * 1024)
            raise FileRefused(f"The unpacked workbook is larger than {limit} MiB. Use CSV.")
        # The names of parts are compared ignoring case.
        self._parts = {part.filename.replace("\\", "/").casefold(): part for part in parts}
        if len(self._parts) < len(parts):
            raise ValueError("two parts have the same name")
        self._index = self._parse_index(_WORKBOOK)
        self._relations = self._parse_index(_RELATIONS).get("Relationship", [])

    @property
    def has_dates_from_1904(self) -> bool:
        """Whether dates are counted from 1904, as old versions of Excel for macOS do."""
        properties = self._index.get("workbookPr", [])
        return any(each.get("date1904") in ("1", "true") for each in properties)

    def open_first_sheet(self) -> IO[bytes]:
        """Open the first sheet."""
        relation_id = self._index["sheet"][0]["id"]
        [relation] = [each for each in self._relations if each["Id"] == relation_id]
        return self._open(relation["Target"])

    def open_related(self, kind: str) -> IO[bytes] | None:
        """Open the part of this kind, such as ``styles``, if there is one."""
        found = [each for each in self._relations if each["Type"].rpartition("/")[2] == kind]
        return self._open(found[0]["Target"], MAX_RELATED_BYTES) if found else None

    def _open(self, target: str, max_bytes: int = MAX_UNPACKED_BYTES) -> IO[bytes]:
        """Open a part by its path relative to that of the workbook."""
        path = posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")
        part = self._parts[path.casefold()]
        if part.file_size > max_bytes:
            limit = max_bytes // (1024 * 1024)
            raise FileRefused(f"{path} is larger than {limit} MiB unpacked. Use CSV.")
        if part.compress_type not in _COMPRESSIONS:
            raise ValueError("a part has an unusual compression")
        return self._archive.open(part)

    def _parse_index(self, path: str) -> dict[str, list[dict[str, str]]]:
        """Return the attributes of a small part's elements, by the element's name."""
        index = _Index()
        with self._open(f"/{path}", _MAX_INDEX_BYTES) as part:
            for _ in index.parse(part):
                pass
        return index.attributes


class _Index(XmlParser):
    """Collects the attributes of all elements, without namespace prefixes."""

    def __init__(self) -> None:
        super().__init__()
        self.attributes: dict[str, list[dict[str, str]]] = {}

    def start_element(self, name: str, attributes: dict[str, str]) -> None:
        local = {strip_prefix(key): value for key, value in attributes.items()}
        if len(local) < len(attributes):
            raise ValueError(f"a {name} has two attributes of the same name")
        self.attributes.setdefault(strip_prefix(name), []).append(local)
