"""Text in CSV that a spreadsheet would run.

A cell that begins with one of ``= + - @``, their full-width forms, a tab, a carriage return or a
line feed is a formula to some spreadsheet (OWASP, "CSV injection"). Export writes an apostrophe
before it, and before a text that itself begins with an apostrophe. Import takes one apostrophe
away where one of these follows: so every text comes back as it was, and a text of somebody
else's file such as ``'tis`` stays what it is.
"""

from typing import Final

from webchats.imports.columns import Formula

_RUN: Final = frozenset("=+-@\t\r\n＝＋－＠")
_GUARDED: Final = _RUN | {"'"}


def with_guard(text: str) -> str:
    """``text`` as a cell that no spreadsheet runs."""
    return "'" + text if text[:1] in _GUARDED else text


def without_guard(cell: str) -> str:
    """The text that the cell stands for. One that begins with a bare ``=`` is a ``Formula``."""
    if cell[0] == "'" and cell[1:2] in _GUARDED:
        return cell[1:]
    return Formula(cell) if cell[0] == "=" else cell
