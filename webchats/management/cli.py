"""What the management commands share: arguments, files, signals and progress."""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, BinaryIO, Self

from django.core.management.base import CommandError
from django.db.models import Q
from tqdm import tqdm

from organizations.auth.roles import AccessRole, Operation, role_allows
from organizations.models import Organization, User
from webchats.imports.listener import Listener
from webchats.imports.rejects import Rejects
from webchats.imports.report import Problem
from webchats.imports.row import Row
from webchats.models import Webchat


def organization_of(text: str) -> Organization:
    """The organization of this id or name."""
    found = list(Organization.objects.filter(Q(pk=text) | Q(name=text))[:2])
    if not found:
        raise CommandError(f"There is no organization {text!r}.")
    if len(found) > 1:
        raise CommandError(f"Several organizations are called {text!r}. Give the id.")
    organization: Organization = found[0]
    return organization


def writer_of(organization: Organization, email: str | None) -> User:
    """Who will own new webchats: the member of this address, or the first administrator."""
    people = User.objects.filter(is_active=True)
    if email is None:
        members = people.filter(organization=organization, access_role=AccessRole.ADMIN)
        first: User | None = members.order_by("created_at", "pk").first()
        if first is None:
            raise CommandError("The organization has no administrator. Name a member by --user.")
        return first
    user: User | None = people.filter(email=email.strip().lower()).first()
    if user is None or (user.organization_id != organization.pk and not user.is_superuser):
        raise CommandError(f"{email!r} is no active member of the organization.")
    if not role_allows(user.role, Operation.ADD, Webchat) or not role_allows(
        user.role, Operation.CHANGE, Webchat
    ):
        raise CommandError(f"The role of {email!r} may not write webchats.")
    return user


class Stop:
    """Whether somebody has asked the process to end."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        return self.asked


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Within the block SIGINT and SIGTERM ask to stop, and the second of them insists."""
    stop = Stop()

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.asked = True

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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


class Terminal(Listener):
    """Writes every problem as a line, counts rows on a terminal, and keeps what was rejected."""

    def __init__(self, stream: Any, stopped: Callable[[], bool], rejects: Rejects) -> None:
        self._stream = stream
        self._stopped = stopped
        self._rejects = rejects
        # ``disable=None``: no bar where there is no terminal.
        self._bar = tqdm(unit=" rows", disable=None, leave=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()

    def header(self, header: list[str] | None) -> None:
        self._rejects.name_columns(header)

    def problem(self, problem: Problem) -> None:
        self._bar.clear()
        # A name in a file may hold what the terminal or the log cannot show.
        self._stream.write(str(problem).encode("utf-8", "backslashreplace").decode())

    def rejected(self, row: Row, problems: list[Problem]) -> None:
        self._rejects.add(row, problems)

    def progress(self, rows: int) -> None:
        self._bar.update(rows)

    def stopped(self) -> bool:
        return self._stopped()
