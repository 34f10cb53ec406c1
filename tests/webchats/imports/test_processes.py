"""The commands as processes: interrupted, beside each other, beside the API, and their memory."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections

from organizations.models import User
from tests.support import factories
from tests.webchats.imports.files import csv_of
from webchats.models import Webchat
from webchats.models.imports import ImportRecord

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[3]


def start(
    *arguments: str | Path, code: str | None = None, stdout: Any = None, stderr: Any = None
) -> subprocess.Popen[str]:
    """A process of ``manage.py`` (or of ``code``) on the test's own database."""
    settings = connection.settings_dict
    url = f"sqlite:///{settings['NAME']}"
    if connection.vendor == "postgresql":
        place = f"{settings['HOST']}:{settings['PORT']}"
        url = f"postgres://{settings['USER']}@{place}/{settings['NAME']}"
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
def file_of(admin: User, tmp_path: Path) -> Callable[..., Path]:
    """``file_of(100)`` is a CSV file of 100 rows."""
    factories.PromptFactory.create(organization=admin.organization, name="Sales")

    def write(count: int, *, backwards: bool = False, **changes: str) -> Path:
        header, row = csv_of(changes, more=tuple(set(changes) - {"name"})).splitlines()
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.csv"
        with path.open("w") as file:
            file.write(header + "\n")
            numbers = range(count)
            for number in reversed(numbers) if backwards else numbers:
                file.write(row.replace("Row 0", f"Row {number}") + "\n")
        return path

    return write


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_import_leaves_no_row_and_says_so(
    admin: User, file_of: Callable[..., Path], number: signal.Signals
) -> None:
    process = start_import(file_of(60_000), admin)
    _wait_for(ImportRecord.objects.exists)
    time.sleep(0.3)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert not Webchat.objects.exists()
    if number == signal.SIGKILL:
        # As if the power was cut: nobody could say what became of it.
        assert ImportRecord.objects.get().status == "running"
    else:
        assert process.returncode == 1
        assert errors == "CommandError: Interrupted, nothing was written.\n"
        assert ImportRecord.objects.get().status == "interrupted"


def test_two_imports_at_once_follow_each_other(admin: User, file_of: Callable[..., Path]) -> None:
    files = [file_of(4_000), file_of(4_000, backwards=True)]
    processes = [start_import(path, admin, "--update") for path in files]
    answers = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], answers
    assert Webchat.objects.count() == 4_000
    assert sorted(ImportRecord.objects.values_list("created", "unchanged")) == [
        (0, 4_000),
        (4_000, 0),
    ]


def test_an_import_beside_api_writers_loses_nothing(
    api: Any, admin: User, file_of: Callable[..., Path]
) -> None:
    start_import(file_of(3_000), admin).communicate(timeout=60)
    rows = list(Webchat.objects.order_by("name").values_list("pk", flat=True)[:40])
    process = start_import(file_of(3_000, statusText="imported"), admin, "--update")

    def change(pk: str) -> int:
        try:
            answer = api(admin).patch(f"/api/webchats/{pk}", {"description": "by the API"})
            return int(answer.status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        statuses = list(pool.map(change, rows))
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert statuses == [200] * 40
    assert Webchat.objects.filter(status_text="imported").count() == 3_000
    assert Webchat.objects.filter(description="by the API").count() == 40


_MEASURED = """
import os, resource, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "webchat_project.settings"
import django
django.setup()
from django.core.management import call_command
call_command("import_webchats", sys.argv[1], organization=sys.argv[2], update=True)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_file(admin: User, file_of: Callable[..., Path]) -> None:
    def kibibytes(count: int) -> int:
        organization = str(admin.organization_id)
        process = start(file_of(count), organization, code=_MEASURED)
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        return int(output.splitlines()[-1])

    # Of 14,000 rows more even a bare list of their cells would take twice as much.
    assert kibibytes(18_000) - kibibytes(4_000) < 12 * 1024


def test_a_pipe_gets_no_progress_bar(admin: User, file_of: Callable[..., Path]) -> None:
    output, errors = start_import(file_of(10), admin).communicate(timeout=60)
    assert output == "Imported: 10 created, 0 updated, 0 unchanged, 0 rejected.\n"
    assert errors == ""


def test_an_export_goes_to_standard_output(admin: User) -> None:
    factories.WebchatFactory.create(user=admin, name="Grüße")
    organization = str(admin.organization_id)
    process = start("export_webchats", "--organization", organization, "--format", "ndjson")
    output, errors = process.communicate(timeout=60)
    assert errors == ""
    assert output.count("\n") == 1
    assert '"name":"Grüße"' in output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["no.csv", "--organization", "Nobody"], "There is no organization 'Nobody'."),
        (["no.csv", "--organization", "Acme"], "no.csv: No such file or directory."),
        (["no.pdf", "--organization", "Acme"], "Name the format of no.pdf"),
        (["no.csv", "--organization", "Acme", "--user", "x@y.z"], "is no active member"),
        (["no.csv", "--organization", "Acme", "--user", "rep@y.z"], "may not write webchats"),
        (["no.csv", "--organization", "Acme", "--rejects", "x"], "goes with --skip-invalid"),
    ],
)
def test_a_wrong_argument_is_answered_in_a_sentence(
    admin: User, arguments: list[str], sentence: str
) -> None:
    assert admin.organization
    admin.organization.name = "Acme"
    admin.organization.save()
    factories.UserFactory.create(
        organization=admin.organization, email="rep@y.z", access_role="SALES_REP"
    )
    process = start("import_webchats", *arguments)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors.startswith("CommandError: ")
    assert sentence in errors
