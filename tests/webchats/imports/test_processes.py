"""The commands as processes: signals, concurrency, memory and output."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections

from organizations.models import User
from tests.support import factories
from tests.webchats.imports.files import to_csv
from webchats.models import Webchat
from webchats.models.imports import ImportRecord

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[3]


def start(
    *arguments: str | Path, code: str | None = None, stdout: Any = None, stderr: Any = None
) -> subprocess.Popen[str]:
    """Start ``manage.py``, or Python ``code``, with the database of the tests."""
    settings = connection.settings_dict
    url = f"sqlite:///{settings['NAME']}"
    if connection.vendor == "postgresql":
        address = f"{settings['HOST']}:{settings['PORT']}"
        url = f"postgres://{settings['USER']}@{address}/{settings['NAME']}"
    program = ["-c", code] if code else [ROOT / "manage.py"]
    return subprocess.Popen(
        [sys.executable, *program, *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        stdout=stdout or subprocess.PIPE,
        stderr=stderr or subprocess.PIPE,
        text=True,
    )


def start_import(path: Path, user: User, *options: str) -> subprocess.Popen[str]:
    assert user.organization_id
    return start("import_webchats", path, "--organization", user.organization_id, *options)


@pytest.fixture
def write_file(admin: User, tmp_path: Path) -> Callable[..., Path]:
    """``write_file(100)`` creates a CSV file of 100 rows. ``reverse`` lists the last row first."""
    factories.PromptFactory.create(organization=admin.organization, name="Sales")

    def write(count: int, *, reverse: bool = False, **changes: str) -> Path:
        header, row = to_csv(changes, more=tuple(set(changes) - {"name"})).splitlines()
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.csv"
        with path.open("w") as file:
            file.write(header + "\n")
            numbers = range(count)
            for number in reversed(numbers) if reverse else numbers:
                file.write(row.replace("Row 0", f"Row {number}") + "\n")
        return path

    return write


#: Runs the command, and prints a line after each batch of rows.
_WITH_PROGRESS = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "webchat_project.settings"
import django
django.setup()
from django.core.management import execute_from_command_line
from webchats.management.import_output import CommandObserver
CommandObserver.rows_read = lambda self, count: print(count, "rows", flush=True)
execute_from_command_line(["manage.py", "import_webchats", *sys.argv[1:]])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_import_leaves_no_row(
    admin: User, write_file: Callable[..., Path], number: signal.Signals
) -> None:
    organization = str(admin.organization_id)
    process = start(write_file(10_000), "--organization", organization, code=_WITH_PROGRESS)
    assert process.stdout
    assert process.stdout.readline() == "2000 rows\n"
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert not Webchat.objects.exists()
    if number == signal.SIGKILL:
        # As after a power failure: no process could complete the record.
        assert ImportRecord.objects.get().status == "running"
    else:
        assert process.returncode == 1
        assert errors == "CommandError: Interrupted. Nothing was imported.\n"
        assert ImportRecord.objects.get().status == "interrupted"


def test_concurrent_imports_into_one_organization_run_one_after_another(
    admin: User, write_file: Callable[..., Path]
) -> None:
    files = [write_file(2_500), write_file(2_500, reverse=True)]
    processes = [start_import(path, admin, "--update") for path in files]
    outputs = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert Webchat.objects.count() == 2_500
    assert sorted(ImportRecord.objects.values_list("created", "unchanged")) == [
        (0, 2_500),
        (2_500, 0),
    ]


def test_an_import_and_concurrent_api_requests_lose_no_change(
    api: Any, admin: User, write_file: Callable[..., Path]
) -> None:
    call_command("import_webchats", write_file(2_500), organization=str(admin.organization_id))
    ids = list(Webchat.objects.order_by("name").values_list("pk", flat=True)[:40])
    process = start_import(write_file(2_500, statusText="imported"), admin, "--update")

    def change(pk: str) -> int:
        try:
            response = api(admin).patch(f"/api/webchats/{pk}", {"description": "by the API"})
            return int(response.status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        statuses = list(pool.map(change, ids))
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert statuses == [200] * 40
    assert Webchat.objects.filter(status_text="imported").count() == 2_500
    assert Webchat.objects.filter(description="by the API").count() == 40


#: Code that prints the maximum memory of its process in KiB. (``ru_maxrss`` is not less than the
#: memory of the process that started it.)
PRINT_MEMORY = """
status = open("/proc/self/status").read()
print(status.partition("VmHWM:")[2].split()[0])
"""

#: Prints the maximum memory of an import in KiB.
_MEASURED = (
    """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "webchat_project.settings"
import django
django.setup()
from django.core.management import call_command
call_command("import_webchats", sys.argv[1], organization=sys.argv[2], update=True)
"""
    + PRINT_MEMORY
)


def test_memory_does_not_grow_with_the_file(admin: User, write_file: Callable[..., Path]) -> None:
    def memory(count: int) -> int:
        organization = str(admin.organization_id)
        process = start(write_file(count), organization, code=_MEASURED)
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        return int(output.splitlines()[-1])

    # A list of the cells of 14,000 more rows would take twice as much.
    assert memory(18_000) - memory(4_000) < 12 * 1024


def test_an_import_prints_no_progress_bar_to_a_pipe(
    admin: User, write_file: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    call_command("import_webchats", write_file(10), organization=str(admin.organization_id))
    output, errors = capfd.readouterr()
    assert output == "Imported: 10 created, 0 updated, 0 unchanged, 0 invalid.\n"
    assert errors == ""


def test_an_export_is_written_to_standard_output(admin: User) -> None:
    factories.WebchatFactory.create(user=admin, name="Grüße")
    organization = str(admin.organization_id)
    process = start("export_webchats", "--organization", organization, "--format", "ndjson")
    output, errors = process.communicate(timeout=60)
    assert errors == f"Exported 1 webchat of {admin.organization} to standard output.\n"
    assert output.count("\n") == 1
    assert '"name":"Grüße"' in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no.csv", "--organization", "Nobody"], "No organization has the id or name 'Nobody'."),
        (["no.csv", "--organization", "Acme"], "no.csv: No such file or directory."),
        (["no.pdf", "--organization", "Acme"], "Set the format of no.pdf"),
        (["no.csv", "--organization", "Acme", "--user", "x@y.z"], "is not an active member"),
        (
            ["no.csv", "--organization", "Acme", "--user", "rep@y.z"],
            "has no permission to add and change webchats",
        ),
        (["no.csv", "--organization", "Acme", "--rejects", "x"], "requires --skip-invalid"),
    ],
)
def test_an_invalid_argument_is_an_error_message(
    admin: User, arguments: list[str], message: str
) -> None:
    assert admin.organization
    admin.organization.name = "Acme"
    admin.organization.save()
    factories.UserFactory.create(
        organization=admin.organization, email="rep@y.z", access_role="SALES_REP"
    )
    with pytest.raises(CommandError, match=re.escape(message)):
        call_command("import_webchats", *arguments)


def test_an_error_message_is_all_that_is_printed() -> None:
    process = start("import_webchats", "no.csv", "--organization", "Nobody")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors == "CommandError: No organization has the id or name 'Nobody'.\n"
