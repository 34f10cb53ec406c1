"""The former version goes on running while a migration is applied, and for a while after it.

What ``.github/CONTRIBUTING.md`` says of migrations, looked at in the SQL that PostgreSQL gets.
"""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django_migration_linter import MigrationLinter
from pytest_django import Settings

from tests.operations.service import ROOT

#: Every migration of the first release: nothing ran before them. It grows until 0.1.0 is out.
FIRST_RELEASE = ["0001_initial"]
#: Migrations that take away what no version in use needs any more: name, and since which version
#: nothing reads or writes it.
CONTRACTIONS: dict[str, str] = {}

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="The SQL is PostgreSQL's: see the other run."
    ),
]

HEAD = """
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webchats", "0001_initial")]
"""


def linted(app: str) -> MigrationLinter:
    linter = MigrationLinter(
        str(ROOT),
        include_apps=[app],
        ignore_name=[*FIRST_RELEASE, *CONTRACTIONS],
        no_cache=True,
        all_warnings_as_errors=True,
        analyser_string="postgresql",
    )
    linter.lint_all_migrations()
    return linter


@pytest.mark.parametrize("app", ["organizations", "webchats"])
def test_no_migration_since_the_first_release_breaks_the_version_before_it(
    app: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not linted(app).has_errors, capsys.readouterr().out


Write = Callable[[str], None]


@pytest.fixture
def next_migration(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Write:
    """``next_migration(body)`` puts a migration after the first release's."""

    def write(body: str) -> None:
        package = tmp_path / "migrations_to_lint"
        package.mkdir()
        shutil.copy(ROOT / "webchats/migrations/0001_initial.py", package)
        (package / "__init__.py").touch()
        (package / "0002_next.py").write_text(f"{HEAD}    {body}\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        settings.MIGRATION_MODULES = {"webchats": "migrations_to_lint"}
        for name in [name for name in sys.modules if name.startswith("migrations_to_lint")]:
            monkeypatch.delitem(sys.modules, name)

    return write


@pytest.mark.parametrize(
    ("operation", "found"),
    [
        ("RenameField('webchat', 'name', 'label')", "RENAMING columns"),
        ("RenameModel('Webchat', 'Widget')", "RENAMING tables"),
        ("RemoveField('webchat', 'status_text')", "DROPPING columns"),
        ("AlterField('webchat', 'name', models.TextField())", "ALTERING columns"),
        # Django takes a default away again, which the former version's INSERT then lacks.
        ("AddField('webchat', 'x', models.TextField(default=''))", "NOT NULL constraint"),
        ("AddIndex('webchat', models.Index(fields=['name'], name='x'))", "CREATE INDEX locks"),
        ("RunPython(lambda apps, schema_editor: None)", "RunPython"),
    ],
)
def test_what_would_break_the_former_version_is_named(
    operation: str, found: str, next_migration: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    next_migration(f"operations = [migrations.{operation}]")
    assert linted("webchats").has_errors
    assert found in capsys.readouterr().out


@pytest.mark.parametrize(
    "body",
    [
        "operations = [migrations.AddField('webchat', 'x', models.TextField(null=True))]",
        "operations = [migrations.AddField('webchat', 'x', models.TextField(db_default=''))]",
        "atomic = False; operations = [AddIndexConcurrently("
        "'webchat', models.Index(fields=['name'], name='x'))]",
    ],
)
@pytest.mark.django_db(transaction=True)  # an index is not made concurrently inside of one
def test_what_only_adds_is_let_through(
    body: str, next_migration: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    next_migration(body)
    assert not linted("webchats").has_errors, capsys.readouterr().out


def test_a_contraction_says_since_when_it_is_safe() -> None:
    assert all(CONTRACTIONS.values())
