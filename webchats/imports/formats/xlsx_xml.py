"""Parsing of XML in chunks, within limits of memory.

Uses expat itself: ``iterparse`` keeps the text of an element in memory, however long it is, and
takes three times as long.
"""

from collections.abc import Iterator
from typing import IO, Final
from xml.parsers import expat

from webchats.imports.rows import FileRefused

_CHUNK: Final = 1 << 16
#: The maximum length of a tag or a comment, which expat keeps in memory.
_MAX_TAG_BYTES: Final = 1 << 20
#: The maximum length of a text: the 32,767 characters of a cell in Excel, all written as escape
#: sequences such as ``_x000D_``.
_MAX_TEXT_LENGTH: Final = 32_767 * 7
#: The most elements that are open at a time. Expat keeps each of them in memory. A cell of a sheet
#: is at a depth of six.
_MAX_DEPTH: Final = 64
#: The most different names of elements and attributes, which expat keeps in memory.
_MAX_NAMES: Final = 2_000


class XmlParser:
    """A parser that calls ``start_element`` and ``end_element``, for subclasses to override.

    Names may have a prefix: see ``strip_prefix``. A document type is refused, so that there are no
    entities to expand.
    """

    def __init__(self) -> None:
        #: The names of elements and attributes so far: the parser adds each.
        self._names: dict[str, str] = {}
        self._depth = 0
        self._parser = expat.ParserCreate(intern=self._names)
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start_element
        self._parser.EndElementHandler = self._end_element
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._text: list[str] = []
        self._length = 0

    def start_element(self, name: str, attributes: dict[str, str]) -> None:
        """Handle a start tag."""

    def end_element(self, name: str) -> None:
        """Handle an end tag."""

    def _start_element(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ValueError(f"elements are nested more than {_MAX_DEPTH} levels deep")
        self.start_element(name, attributes)

    def _end_element(self, name: str) -> None:
        self._depth -= 1
        self.end_element(name)

    def parse(self, part: IO[bytes]) -> Iterator[None]:
        """Parse a part. Yield after each chunk.

        Raise ``ExpatError`` or ``ValueError`` for a damaged part, and ``FileRefused`` for one that
        needs too much memory.
        """
        size = 0
        while chunk := part.read(_CHUNK):
            self._parser.Parse(chunk, False)
            size += len(chunk)
            # Expat would scan an unfinished tag again with each chunk.
            if size - self._parser.CurrentByteIndex > _MAX_TAG_BYTES:
                raise FileRefused("The workbook has a tag or comment that is too long.")
            if len(self._names) > _MAX_NAMES:
                raise ValueError(f"it has more than {_MAX_NAMES:,} names of elements or attributes")
            yield
        self._parser.Parse(b"", True)
        yield

    # --- Texts ---

    def start_text(self) -> None:
        """Collect characters from here on, in addition to those collected before."""
        self._parser.CharacterDataHandler = self._add_text

    def stop_text(self) -> None:
        """Collect no more characters."""
        self._parser.CharacterDataHandler = None

    def take_text(self) -> str:
        """Return the collected characters, and forget them."""
        text = "".join(self._text)
        self._text.clear()
        self._length = 0
        return text

    def _add_text(self, text: str) -> None:
        self._length += len(text)
        if self._length > _MAX_TEXT_LENGTH:
            raise FileRefused("The workbook has a cell with more than 32,767 characters.")
        self._text.append(text)

    def _refuse_doctype(self, *_: object) -> None:
        raise FileRefused("The file is not an Excel workbook (.xlsx): it has a DOCTYPE.")


def strip_prefix(name: str) -> str:
    """Return a name without its prefix. Workbooks use several namespaces for the same elements."""
    return name.rpartition(":")[2]
