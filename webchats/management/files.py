"""The files that commands read and write, and what to say where that fails."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import CommandError


@contextmanager
def reading(path: Path) -> Iterator[BinaryIO]:
    """The file, to be read more than once: of a pipe that is a copy."""
    try:
        file: Any = path.open("rb")
        if not file.seekable():
            with file as pipe:
                file = tempfile.TemporaryFile()  # noqa: SIM115 - closed below
                shutil.copyfileobj(pipe, file)
    except OSError as error:
        raise failure(path, error) from None
    with file:
        yield file


@contextmanager
def replacing(path: Path | None) -> Iterator[BinaryIO | None]:
    """A file that takes the name ``path`` when the block has ended well; until then what has the
    name stays as it is. A device or a pipe is written to at once; ``None`` gives ``None``."""
    if path is None:
        yield None
        return
    target = beside = path.resolve()
    if target.is_file() or not target.exists():
        beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            yield file
        if beside != target:
            if target.exists():
                shutil.copymode(target, beside)
            beside.replace(target)
    except OSError as error:
        raise failure(path, error) from None
    finally:
        if beside != target:
            with suppress(OSError):
                beside.unlink()


def failure(what: object, error: OSError) -> CommandError:
    """``error`` as a sentence."""
    return CommandError(f"{what}: {error.strerror or error}.")
