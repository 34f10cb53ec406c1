"""Import and export of canned replies."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from organizations.models import Organization, User
from tests.support import factories
from webchats.conversations.models import CannedReply
from webchats.models.imports import ImportRecord

pytestmark = pytest.mark.django_db

Run = Callable[..., None]


@pytest.fixture
def run(admin: User) -> Run:
    """``run("import_canned_replies", path)`` runs a command for the organization of ``admin``."""

    def call(*arguments: Any, **options: Any) -> None:
        call_command(*map(str, arguments), organization=admin.organization_id, **options)

    return call


def _write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def _create(organization: Organization, **values: Any) -> CannedReply:
    reply: CannedReply = factories.CannedReplyFactory.create(organization=organization, **values)
    return reply


def _stored() -> list[tuple[Any, ...]]:
    return [*CannedReply.objects.order_by("pk").values_list("pk", "shortcut", "title", "text")]


@pytest.mark.parametrize("format_name", ["csv", "json", "ndjson", "xlsx"])
def test_a_round_trip_changes_nothing(
    run: Run, organization: Organization, tmp_path: Path, format_name: str
) -> None:
    _create(organization, shortcut="-1", title="=1+1", text="Hi {visitor.name|there}\n'ok'")
    _create(organization, shortcut="42", title="“Sum”; really", text="- a\n- b")
    factories.CannedReplyFactory.create(shortcut="42")
    before = _stored()
    path = tmp_path / f"out.{format_name}"
    run("export_canned_replies", output=path)
    run("import_canned_replies", path, update=True)
    assert _stored() == before
    assert ImportRecord.objects.get().unchanged == 2
    CannedReply.objects.for_organization(organization.pk).delete()
    run("import_canned_replies", path)
    assert _stored() == before


def test_an_update_finds_replies_by_id_or_shortcut(
    run: Run, admin: User, organization: Organization, tmp_path: Path
) -> None:
    first = _create(organization, shortcut="first")
    second = _create(organization, shortcut="second")
    path = tmp_path / "in.csv"
    path.write_text(
        f"_id,shortcut,title,text\n{first.pk},renamed,,\n,/SECOND,Changed,\n,third,New,Added\n"
    )
    run("import_canned_replies", path, update=True)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.shortcut, first.title) == ("renamed", "Delivery")
    assert (second.title, second.history.first().history_type) == ("Changed", "~")
    third = CannedReply.objects.get(shortcut="third")
    record = third.history.get()
    assert (record.history_type, record.history_user) == ("+", admin)
    stored = ImportRecord.objects.get()
    assert (stored.resource, stored.created, stored.updated) == ("canned_replies", 1, 2)
    run("import_canned_replies", path, update=True)
    newest = ImportRecord.objects.first()
    assert newest is not None
    assert (newest.created, newest.updated, newest.unchanged) == (0, 0, 3)


def test_one_invalid_row_prevents_the_import_and_every_error_is_reported(
    run: Run, organization: Organization, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _create(organization, shortcut="taken")
    path = _write(
        tmp_path / "in.ndjson",
        {"shortcut": "good", "title": "Good", "text": "Yes"},
        {"title": "No shortcut", "text": "Yes"},
        {"shortcut": "two words", "title": 1, "text": "{visitor.nmae}"},
        {"shortcut": "/Good", "title": "Again", "text": "Yes"},
        {"shortcut": "taken", "title": "Again", "text": "Yes", "txet": "x"},
    )
    with pytest.raises(CommandError, match="4 of 5 rows have errors"):
        run("import_canned_replies", path)
    assert CannedReply.objects.count() == 1
    errors = capsys.readouterr().err
    for line in (
        "line 2: shortcut: This field is required.",
        "line 3: shortcut: Use letters,",
        "line 3: title: Must be a string.",
        "line 3: text: Unknown variable {visitor.nmae}.",
        "line 4: shortcut: Another canned reply has this shortcut.",
        "(line 5): shortcut: Another canned reply has this shortcut.",
        "line 5: txet: Unknown column. Did you mean text?",
    ):
        assert line in errors


def test_a_row_cannot_take_the_shortcut_of_another_reply(
    run: Run, organization: Organization, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = _create(organization, shortcut="first")
    second = _create(organization, shortcut="second")
    rows = [{"_id": first.pk, "shortcut": "second"}, {"_id": second.pk, "shortcut": "third"}]
    with pytest.raises(CommandError, match="1 of 2"):
        run("import_canned_replies", _write(tmp_path / "in.ndjson", *rows), update=True)
    assert "line 1: shortcut: Another canned reply" in capsys.readouterr().err


def test_rows_above_the_limit_of_the_organization_are_invalid(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(CannedReply, "max_per_organization", 1)
    rows = [{"shortcut": name, "title": "a", "text": "b"} for name in "ab"]
    with pytest.raises(CommandError, match="1 of 2"):
        run("import_canned_replies", _write(tmp_path / "in.ndjson", *rows))
    assert "at most 1 canned replies" in capsys.readouterr().err
