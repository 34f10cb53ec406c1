"""The file formats of imports and exports."""

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import PurePath
from typing import BinaryIO, Final, NamedTuple

from webchats.imports.formats import csv, json, xlsx
from webchats.imports.rows import Table


class Format(NamedTuple):
    """The functions that read and write a format.

    ``open_table`` and iterating over the rows raise ``FileRefused``. ``write`` takes the columns
    and a sequence of values for each row. ``None`` becomes ``null`` or an empty cell; ``...`` is
    omitted or becomes an empty cell.
    """

    content_type: str
    open_table: Callable[[BinaryIO], AbstractContextManager[Table]]
    write: Callable[[Sequence[str], Iterable[Sequence[object]]], Generator[bytes, None, None]]


#: Formats by the name that clients send.
FORMATS: Final = {
    "csv": Format("text/csv; charset=utf-8", csv.open_table, csv.write),
    "json": Format("application/json", json.open_array, json.write_array),
    "ndjson": Format("application/x-ndjson", json.open_lines, json.write_lines),
    "xlsx": Format(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        xlsx.open_table,
        xlsx.write,
    ),
}
#: The formats whose cells are strings.
TEXT_FORMATS: Final = frozenset({"csv", "xlsx"})
#: File name extensions that are not names of formats.
ALIASES: Final = {"jsonl": "ndjson", "tsv": "csv", "txt": "csv"}


def detect_format(file_name: str) -> str | None:
    """Return the format of the file name's extension: a key of ``FORMATS``, ``None`` if unknown."""
    extension = PurePath(file_name).suffix.lower().removeprefix(".")
    name = ALIASES.get(extension, extension)
    return name if name in FORMATS else None
