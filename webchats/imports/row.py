"""A row as it stands in a file."""

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Row:
    """One row as it stands in the file. ``cells`` holds what is given: a sheet's empty cells are
    not. ``broken`` says why the row could not be taken apart, ``unit`` what ``line`` counts."""

    line: int
    cells: dict[str, Any]
    broken: str = ""
    unit: str = "line"
