"""Arguments, files and signals of the import and export commands, and progress of exports."""

import difflib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from types import FrameType
from typing import BinaryIO, Generic, NoReturn, TypeVar

from django.core.management.base import CommandError
from django.db import models
from django.db.models import Q
from tqdm import tqdm

from organizations.auth.roles import AccessRole, Operation, role_allows
from organizations.models import Organization, User

RowT = TypeVar("RowT")

# --- Arguments ---


def find_organization(id_or_name: str) -> Organization:
    """Return the organization with this id or name. Raise ``CommandError`` unless one has it."""
    found = list(Organization.objects.filter(Q(pk=id_or_name) | Q(name=id_or_name))[:2])
    if not found:
        message = f"No organization has the id or name {id_or_name!r}."
        raise CommandError(message + _suggest_organization(id_or_name))
    if len(found) > 1:
        raise CommandError(f"Several organizations have the name {id_or_name!r}. Use the id.")
    return found[0]


def _suggest_organization(name: str) -> str:
    """Return a question that suggests the organization with the most similar name, if any."""
    names = {each.lower(): each for each in Organization.objects.values_list("name", flat=True)}
    similar = difflib.get_close_matches(name.lower(), names, n=1)
    return f" Did you mean {names[similar[0]]!r}?" if similar else ""


def find_author(organization: Organization, email: str | None, model: type[models.Model]) -> User:
    """Return the user with this address, or the organization's first administrator.

    Raise ``CommandError`` if there is none, or if the user may not write the organization's rows
    of the model.
    """
    users = User.objects.filter(is_active=True)
    if email is None:
        administrators = users.filter(organization=organization, access_role=AccessRole.ADMIN)
        first = administrators.order_by("created_at", "pk").first()
        if first is None:
            raise CommandError("The organization has no administrator. Use --user EMAIL.")
        return first
    user = users.filter(email=email.strip().lower()).first()
    if user is None or (user.organization_id != organization.pk and not user.is_superuser):
        raise CommandError(f"{email!r} is not an active member of the organization.")
    for operation in (Operation.ADD, Operation.CHANGE):
        if not role_allows(user.role, operation, model):
            rows = model._meta.verbose_name_plural
            raise CommandError(f"{email!r} has no permission to add and change {rows}.")
    return user


# --- Signals ---


@contextmanager
def stop_on_signals() -> Iterator[Event]:
    """Yield an event that SIGINT and SIGTERM set. A second signal raises ``KeyboardInterrupt``."""
    stop = Event()

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


# --- Files ---


@contextmanager
def open_seekable(path: Path) -> Iterator[BinaryIO]:
    """Yield a file, opened for reading. A pipe is copied to a temporary file first.

    Raise ``CommandError`` if the file cannot be read.
    """
    file: BinaryIO
    try:
        file = path.open("rb")
        if not file.seekable():
            with file as pipe:
                file = tempfile.TemporaryFile()  # noqa: SIM115 - closed below
                shutil.copyfileobj(pipe, file)
    except OSError as error:
        raise_for(path, error)
    with file:
        yield file


@contextmanager
def open_replacement(path: Path | None) -> Iterator[BinaryIO | None]:
    """Yield a new file for writing, which replaces ``path`` when the block ends without an error.

    Devices and pipes are written directly. Yield ``None`` for ``None``. Raise ``CommandError`` if
    the file cannot be written.
    """
    if path is None:
        yield None
        return
    target = temporary = path.resolve()
    if target.is_file() or not target.exists():
        temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            yield file
        if temporary != target:
            if target.exists():
                shutil.copymode(target, temporary)
            temporary.replace(target)
    except OSError as error:
        raise_for(path, error)
    finally:
        if temporary != target:
            with suppress(OSError):
                temporary.unlink()


def raise_for(file: object, error: OSError) -> NoReturn:
    """Raise ``CommandError`` with the name of the file and the message of ``error``."""
    raise CommandError(f"{file}: {error.strerror or error}.") from None


# --- Exports ---


class ProgressRows(Generic[RowT]):
    """Rows that are counted, with a progress bar on a terminal, while they are iterated over."""

    def __init__(self, rows: Iterable[RowT], *, total: int) -> None:
        self._rows = rows
        self._total = total
        self.count = 0

    def __iter__(self) -> Iterator[RowT]:
        # ``disable=None``: no progress bar unless standard error is a terminal.
        with tqdm(total=self._total, unit=" rows", disable=None, leave=False) as progress:
            for row in self._rows:
                self.count += 1
                progress.update()
                yield row
