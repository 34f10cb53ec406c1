"""The commands and their files: pipes, devices, full disks and unwritable paths."""

import copy
import os
import pkgutil
import pty
import shlex
import signal
import termios
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command, load_command_class
from django.db import connection
from python_calamine import CalamineWorkbook

from organizations.models import Prompt, User
from tests.support import factories
from tests.webchats.imports.files import to_csv
from tests.webchats.imports.test_processes import start
from webchat_project.api.object_ids import new_object_id
from webchats.imports.formats import xlsx
from webchats.management import commands
from webchats.models import Webchat

pytestmark = pytest.mark.django_db(transaction=True)
#: A Linux device that behaves like a full disk.
FULL = Path("/dev/full")


@pytest.fixture
def run(admin: User) -> Callable[..., None]:
    """``run("import_webchats", "a.csv")`` runs a command for the organization of ``admin``."""
    factories.PromptFactory.create(organization=admin.organization, name="Sales")

    def call(*arguments: Any, **options: Any) -> None:
        call_command(*map(str, arguments), organization=admin.organization_id, **options)

    return call


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file with a valid and an invalid row."""
    path = tmp_path / "in.csv"
    path.write_text(to_csv({"name": "Valid"}, {"name": ""}))
    return path


# --- Import ---


@pytest.mark.parametrize("path", ["no/such/folder/r.csv", "in.csv/r.csv", "."])
def test_an_unwritable_file_of_rejects_is_reported_before_the_import(
    run: Callable[..., None], source: Path, path: str
) -> None:
    with pytest.raises(CommandError, match=r"o such file|ot a directory|s a directory"):
        run("import_webchats", source, skip_invalid=True, rejects=source.parent / path)
    assert not Webchat.objects.exists()


@pytest.mark.parametrize("name", ["in.csv", "./in.csv", "link.csv"])
def test_rejects_never_overwrite_the_imported_file(
    run: Callable[..., None], source: Path, name: str
) -> None:
    (source.parent / "link.csv").symlink_to(source)
    content = source.read_bytes()
    with pytest.raises(CommandError, match="would overwrite"):
        run("import_webchats", source, skip_invalid=True, rejects=source.parent / name)
    assert source.read_bytes() == content
    assert not Webchat.objects.exists()


@pytest.mark.skipif(not FULL.exists(), reason="requires /dev/full")
def test_a_full_disk_is_reported_after_the_valid_rows_were_imported(
    run: Callable[..., None], source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match=r"/dev/full: No space left on device"):
        run("import_webchats", source, skip_invalid=True, rejects=FULL)
    assert capsys.readouterr().out.startswith("Imported: 1 created")
    assert Webchat.objects.get().name == "Valid"


def test_a_failed_import_keeps_an_existing_file_of_rejects(
    run: Callable[..., None], source: Path
) -> None:
    rejects = source.parent / "rejects.csv"
    rejects.write_text("old")

    def fail(execute: Any, sql: str, *arguments: Any) -> Any:
        if f'FROM "{Prompt._meta.db_table}"' in sql:
            raise OSError(5, "Input/output error")
        return execute(sql, *arguments)

    with (
        connection.execute_wrapper(fail),
        pytest.raises(CommandError, match=r"Nothing was imported: .*Input/output error"),
    ):
        run("import_webchats", source, skip_invalid=True, rejects=rejects)
    assert rejects.read_text() == "old"
    assert sorted(path.name for path in source.parent.glob("*rejects*")) == ["rejects.csv"]


def test_a_string_too_long_for_a_sheet_is_truncated_in_the_rejects(
    run: Callable[..., None], source: Path
) -> None:
    source.write_text(to_csv({"description": "x" * 40_000}, more=("description",)))
    rejects = source.parent / "rejects.xlsx"
    run("import_webchats", source, skip_invalid=True, rejects=rejects)
    header, row = CalamineWorkbook.from_path(rejects).get_sheet_by_index(0).to_python()
    assert len(str(row[header.index("description")])) == 32_767


def test_the_folder_of_icons_must_be_a_directory(run: Callable[..., None], source: Path) -> None:
    with pytest.raises(CommandError, match="is not a directory"):
        run("import_webchats", source, icons=source)


def test_a_pipe_can_be_imported(run: Callable[..., None], tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=[to_csv({}, {})])
    writer.start()
    run("import_webchats", pipe)
    writer.join()
    assert Webchat.objects.count() == 2


def test_a_column_without_a_name_is_reported(
    run: Callable[..., None], source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source.write_text("name,,description,\nx,y,z,\n")
    with pytest.raises(CommandError, match="Nothing was imported"):
        run("import_webchats", source)
    errors = capsys.readouterr().err
    assert "line 1: The column has no name.\n" in errors
    assert errors.count("no name") == 1


def test_an_error_of_many_rows_is_printed_once_and_names_the_option(
    run: Callable[..., None], source: Path, admin: User, capsys: pytest.CaptureFixture[str]
) -> None:
    webchats = factories.WebchatFactory.create_batch(14, user=admin)
    rows = [{"_id": webchat.pk} for webchat in webchats]
    source.write_text(to_csv(*rows, {"name": ""}, {"name": ""}, more=("_id",)))
    with pytest.raises(CommandError, match=r"16 of 16 rows have errors\."):
        run("import_webchats", source)
    in_use = "_id: A webchat with this id already exists. To change it, use --update."
    required = "name: This field is required."
    assert capsys.readouterr().err.splitlines() == [
        f"line 2: {in_use}",
        f"line 16: {required}",
        f"and 13 more rows (lines 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, …): {in_use}",
        f"and 1 more row (line 17): {required}",
    ]


def test_a_file_without_rows_is_named_as_such(
    run: Callable[..., None], source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source.write_text(to_csv())
    run("import_webchats", source)
    run("import_webchats", source, dry_run=True)
    assert capsys.readouterr().out == "Nothing was imported. The file has no rows.\n" * 2


def test_an_import_prints_a_progress_bar_to_a_terminal(admin: User, tmp_path: Path) -> None:
    factories.PromptFactory.create(organization=admin.organization, name="Sales")
    path = tmp_path / "in.csv"
    path.write_text(to_csv(*[{}] * 30))
    controller, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    organization = str(admin.organization_id)
    arguments = ("import_webchats", path, "--organization", organization)
    process = start(*arguments, stderr=terminal)
    os.close(terminal)
    output = b""
    while chunk := _read(controller):
        output += chunk
    os.close(controller)
    assert process.communicate(timeout=60)[0].startswith("Imported: 30 created")
    assert b" rows [" in output


def _read(controller: int) -> bytes:
    try:
        return os.read(controller, 4096)
    except OSError:
        # The process has closed the terminal.
        return b""


# --- Export ---


def test_an_export_replaces_a_file_and_keeps_its_link_and_mode(
    run: Callable[..., None], tmp_path: Path
) -> None:
    factories.WebchatFactory.create_batch(2)
    file, link = tmp_path / "out.csv", tmp_path / "link.csv"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    run("export_webchats", output=link)
    assert link.is_symlink()
    assert file.read_text().startswith("_id,")
    assert file.stat().st_mode & 0o777 == 0o640
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.skipif(not FULL.exists(), reason="requires /dev/full")
def test_a_device_is_written_to_and_not_replaced(run: Callable[..., None]) -> None:
    run("export_webchats", output=Path(os.devnull))
    assert Path(os.devnull).is_char_device()
    with pytest.raises(CommandError, match="No space left on device"):
        run("export_webchats", output=FULL)
    assert FULL.is_char_device()


@pytest.mark.parametrize("path", ["no/such/folder/out.csv", "in.csv/out.csv", "."])
def test_an_unwritable_output_is_an_error_message(
    run: Callable[..., None], source: Path, path: str
) -> None:
    with pytest.raises(CommandError, match=r"o such file|ot a directory|s a directory"):
        run("export_webchats", output=source.parent / path)
    assert [path.name for path in source.parent.iterdir()] == ["in.csv"]


def test_an_export_with_too_many_rows_for_a_sheet_writes_no_file(
    run: Callable[..., None], admin: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.WebchatFactory.create_batch(3, user=admin)
    monkeypatch.setattr(xlsx, "MAX_ROWS", 2)
    with pytest.raises(CommandError, match="can have 2 rows"):
        run("export_webchats", output=tmp_path / "out.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_an_export_ends_quietly_when_its_reader_does(admin: User) -> None:
    factories.WebchatFactory.create_batch(5, user=admin)
    process = start("export_webchats", "--organization", str(admin.organization_id))
    assert process.stdout
    process.stdout.close()
    assert process.stderr
    errors = process.stderr.read()
    process.stderr.close()
    # As a program that SIGPIPE ends.
    assert process.wait(timeout=60) == 128 + signal.SIGPIPE
    assert errors == ""


@pytest.mark.parametrize(("count", "webchats"), [(1, "1 webchat"), (1_001, "1,001 webchats")])
def test_an_export_prints_how_many_webchats_it_has_written(
    run: Callable[..., None],
    admin: User,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    count: int,
    webchats: str,
) -> None:
    webchat = factories.WebchatFactory.build(user=admin, organization=admin.organization)
    webchat.prompt = factories.PromptFactory.create(organization=admin.organization)
    webchat.created_by = admin
    rows = []
    for _ in range(count):
        row = copy.copy(webchat)
        row.pk = new_object_id()
        rows.append(row)
    Webchat.objects.bulk_create(rows)
    run("export_webchats", output=tmp_path / "out.xlsx")
    path = tmp_path / "out.xlsx"
    assert capsys.readouterr().out == f"Exported {webchats} of {admin.organization} to {path}.\n"


def test_an_export_to_a_terminal_has_a_progress_bar_and_is_no_workbook(admin: User) -> None:
    factories.WebchatFactory.create_batch(3, user=admin)
    command = ("export_webchats", "--organization", str(admin.organization_id))
    returncode, shown = _run_on_terminal(*command)
    assert returncode == 0
    assert b"| 0/3 [" in shown
    assert b"Exported 3 webchats of " in shown
    returncode, shown = _run_on_terminal(*command, "--format", "xlsx")
    assert returncode == 1
    assert b"A workbook cannot be shown on a terminal. Use --output FILE." in shown


def _run_on_terminal(*arguments: str) -> tuple[int, bytes]:
    """Return the exit status of a command, and what it prints to a terminal."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 200))
    process = start(*arguments, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while chunk := _read(ours):
        shown += chunk
    os.close(ours)
    return process.wait(timeout=60), shown


@pytest.mark.skipif(not FULL.exists(), reason="requires /dev/full")
def test_standard_output_on_a_full_disk_is_an_error_message(admin: User) -> None:
    with FULL.open("wb") as full:
        process = start(
            "export_webchats", "--organization", str(admin.organization_id), stdout=full
        )
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors == "CommandError: Standard output: No space left on device.\n"


# --- Help ---


COMMANDS = [module.name for module in pkgutil.iter_modules(commands.__path__)]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_starts_with_a_valid_example(name: str) -> None:
    parser = load_command_class("webchats", name).create_parser("manage.py", name)
    first, example, *rest = parser.format_help().splitlines()
    assert first == "Example:"
    program, command, *arguments = shlex.split(example)
    assert (program, command) == ("manage.py", name)
    parser.parse_args(arguments)
    assert not any("--pythonpath" in line for line in rest)


def test_an_unknown_organization_gets_a_suggestion(run: Callable[..., None], admin: User) -> None:
    assert admin.organization
    name = admin.organization.name
    with pytest.raises(CommandError, match=f"Did you mean '{name}'"):
        call_command("export_webchats", organization=name.upper())
