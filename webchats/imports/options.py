"""What to import, and how."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The options of an import. ``icons`` is the folder of the image files named by cells.

    Without ``allow_new_ids``, a new row cannot have an id that the organization never had, so
    that an import does not reveal which ids other organizations have. ``wait`` waits for another
    import instead of raising ``ImportsBusy``.
    """

    update: bool = False
    dry_run: bool = False
    skip_invalid: bool = False
    icons: Path | None = None
    allow_new_ids: bool = False
    wait: bool = False


@dataclass(frozen=True, slots=True)
class ImportSource:
    """A file to import: seekable, opened for reading. ``format`` is a key of ``FORMATS``."""

    file: BinaryIO
    name: str
    format: str
