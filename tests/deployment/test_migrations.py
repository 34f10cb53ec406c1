"""Migrations are backward compatible: the previous version runs on the new tables.

The rules are in docs/design.md. They are checked on the SQL for PostgreSQL.
"""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django_migration_linter import MigrationLinter
from pytest_django import Settings

from tests.deployment.service import ROOT

#: The migrations of the first release, which has no previous version.
FIRST_RELEASE = ["0001_initial", "0002_search_index", "0002_search_indexes"]
#: Migrations that drop a column or table, by name, with the version since which it is unused.
CONTRACTIONS: dict[str, str] = {}

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="The SQL is for PostgreSQL."),
]

HEAD = """
from django.db import migrations, models
from organizations.migration_operations import AddConstraintNotValid, AddIndexConcurrently


class Migration(migrations.Migration):
    dependencies = [("webchats", "0001_initial")]
"""


def lint(app: str) -> MigrationLinter:
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


@pytest.mark.parametrize("app", ["organizations", "webchats", "conversations"])
def test_migrations_since_the_first_release_are_backward_compatible(
    app: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not lint(app).has_errors, capsys.readouterr().out


Write = Callable[[str], None]


@pytest.fixture
def next_migration(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Write:
    """``next_migration(body)`` adds a migration after those of the first release."""

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
        # Django drops the default afterwards, so an INSERT of the previous version fails.
        ("AddField('webchat', 'x', models.TextField(default=''))", "NOT NULL constraint"),
        ("AddIndex('webchat', models.Index(fields=['name'], name='x'))", "CREATE INDEX locks"),
        ("RunPython(lambda apps, schema_editor: None)", "RunPython"),
    ],
)
def test_an_incompatible_operation_is_reported(
    operation: str, found: str, next_migration: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    next_migration(f"operations = [migrations.{operation}]")
    assert lint("webchats").has_errors
    assert found in capsys.readouterr().out


@pytest.mark.parametrize(
    "body",
    [
        "operations = [migrations.AddField('webchat', 'x', models.TextField(null=True))]",
        "operations = [migrations.AddField('webchat', 'x', models.TextField(db_default=''))]",
        "atomic = False; operations = [AddIndexConcurrently("
        "'webchat', models.Index(fields=['name'], name='x'))]",
        "operations = [AddConstraintNotValid("
        "'webchat', models.CheckConstraint(condition=models.Q(name__gt=''), name='x'))]",
    ],
)
@pytest.mark.django_db(transaction=True)  # for CREATE INDEX CONCURRENTLY
def test_a_compatible_operation_is_accepted(
    body: str, next_migration: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    next_migration(body)
    assert not lint("webchats").has_errors, capsys.readouterr().out


def test_each_contraction_names_a_version() -> None:
    assert all(CONTRACTIONS.values())
