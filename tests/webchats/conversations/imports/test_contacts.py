"""Import and export of contacts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from organizations.models import Organization, Stage, User
from tests.support import factories
from webchats.conversations import services
from webchats.conversations.models import Contact, ContactMerge, StageMove
from webchats.models.imports import ImportRecord

pytestmark = pytest.mark.django_db

Run = Callable[..., None]

_FIELDS = ("name", "email", "phone", "pipeline_id", "stage_id", "status", "locale")


@pytest.fixture
def run(admin: User) -> Run:
    """``run("import_contacts", path)`` runs a command for the organization of ``admin``."""

    def call(*arguments: Any, **options: Any) -> None:
        call_command(*map(str, arguments), organization=admin.organization_id, **options)

    return call


@pytest.fixture
def stage(organization: Organization) -> Stage:
    return factories.StageFactory.create(
        pipeline__organization=organization, pipeline__name="Sales", name="Offer"
    )


def _write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def _create(organization: Organization, **values: Any) -> Contact:
    contact: Contact = factories.ContactFactory.create(
        webchat=None, organization=organization, **values
    )
    return contact


def _stored() -> list[tuple[Any, ...]]:
    return [*Contact.objects.order_by("pk").values_list("pk", "updated_at", *_FIELDS)]


def _counts() -> tuple[int, int, int, int]:
    record = ImportRecord.objects.order_by("-created_at", "-pk")[0]
    return record.created, record.updated, record.unchanged, record.rejected


@pytest.mark.parametrize("format_name", ["csv", "json", "ndjson", "xlsx"])
def test_a_round_trip_changes_nothing(
    run: Run, organization: Organization, stage: Stage, tmp_path: Path, format_name: str
) -> None:
    _create(organization, name="=1+1", email="a@example.com", phone="+49 30 1", status="-new")
    placed = {"pipeline": stage.pipeline, "stage": stage}
    _create(organization, name="“Ada”; 'x'", email="a@example.com", locale="pt-br", **placed)
    # A visitor who has entered nothing.
    _create(organization, name="", pipeline=stage.pipeline)
    factories.ContactFactory.create(email="a@example.com")
    before = _stored()
    path = tmp_path / f"out.{format_name}"
    run("export_contacts", output=path)
    run("import_contacts", path, update=True)
    assert _stored() == before
    assert _counts() == (0, 0, 3, 0)
    assert not StageMove.objects.exists()
    Contact.objects.for_organization(organization.pk).delete()
    run("import_contacts", path)
    restored = [(pk, *values) for pk, _, *values in _stored()]
    assert restored == [(pk, *values) for pk, _, *values in before]


def test_an_update_finds_contacts_by_id_or_email(
    run: Run, admin: User, organization: Organization, stage: Stage, tmp_path: Path
) -> None:
    first = _create(organization, name="First", email="first@example.com")
    second = _create(organization, name="Second", email="second@example.com", phone="1")
    path = tmp_path / "in.csv"
    path.write_text(
        "_id,name,email,pipeline,stage\n"
        f"{first.pk},,renamed@example.com,,\n"
        ",Changed, SECOND@example.com ,Sales,offer\n"
        ",Third,third@example.com,Sales,\n"
    )
    run("import_contacts", path, update=True)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.name, first.email) == ("First", "renamed@example.com")
    assert (second.name, second.phone, second.stage) == ("Changed", "1", stage)
    third = Contact.objects.get(email="third@example.com")
    assert (third.pipeline, third.stage, third.webchat) == (stage.pipeline, None, None)
    for contact, history_type in ((second, "~"), (third, "+")):
        record = contact.history.first()
        assert (record.history_type, record.history_user) == (history_type, admin)
        assert record.name == contact.name
    assert _counts() == (1, 2, 0, 0)
    run("import_contacts", path, update=True)
    assert _counts() == (0, 0, 3, 0)


def test_a_stage_that_an_import_changes_is_a_move(
    run: Run, organization: Organization, stage: Stage, tmp_path: Path
) -> None:
    won = factories.StageFactory.create(pipeline=stage.pipeline, name="Won")
    ada = _create(organization, email="a@example.com", pipeline=stage.pipeline, stage=stage)
    rows = [
        {"_id": ada.pk, "stageId": won.pk, "stage": "Won"},
        {"name": "Eve", "pipelineId": stage.pipeline_id, "stageId": stage.pk},
    ]
    run("import_contacts", _write(tmp_path / "in.ndjson", *rows), update=True)
    moves = StageMove.objects.order_by("contact__name")
    assert [(str(move), move.moved_by, move.organization) for move in moves] == [
        ("Offer → Won", None, organization),
        ("No stage → Offer", None, organization),
    ]
    ada.refresh_from_db()
    assert ada.stage_entered_at == ada.moves.get().at
    (tmp_path / "in.ndjson").write_text(json.dumps({"_id": ada.pk, "stageId": None}))
    run("import_contacts", tmp_path / "in.ndjson", update=True)
    ada.refresh_from_db()
    assert ada.stage is None
    assert ada.pipeline == stage.pipeline
    assert ada.stage_entered_at is None
    assert ada.moves.count() == 2


def test_one_invalid_row_prevents_the_import_and_every_error_is_reported(
    run: Run,
    organization: Organization,
    stage: Stage,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    foreign = factories.ContactFactory.create()
    theirs = factories.StageFactory.create(name="Theirs")
    for _ in range(2):
        _create(organization, email="twice@example.com")
    path = _write(
        tmp_path / "in.ndjson",
        {"name": "Good"},
        {"status": "new"},
        {"name": "Ada", "email": "ada", "phone": 1},
        {"email": "twice@example.com"},
        {"name": "Ada", "stageId": stage.pk},
        {"name": "Ada", "pipelineId": stage.pipeline_id, "pipeline": "Support"},
        {"name": "Ada", "pipeline": "Sales", "stage": "Lost"},
        {"name": "Ada", "pipelineId": theirs.pipeline_id, "stageId": theirs.pk},
        {"_id": foreign.pk, "name": "Mine"},
        {"name": "Ada", "emial": "x"},
        {"name": "Ada", "zzz": "x"},
    )
    before = _stored()
    with pytest.raises(CommandError, match="10 of 11 rows have errors"):
        run("import_contacts", path, update=True)
    assert _stored() == before
    errors = capsys.readouterr().err
    for line in (
        "line 2: name: Enter a name, an e-mail address or a phone number.",
        "line 3: email: Enter a valid email address.",
        "line 3: phone: Must be a string.",
        "line 4: email: 2 contacts have this email. Use the column _id.",
        "line 5: stageId: A stage requires its pipeline.",
        "line 6: pipelineId: pipeline and pipelineId refer to different rows. Clear one of them.",
        "line 7: stage: No stage of the pipeline has the name “Lost”. Its stages: Offer.",
        "line 8: pipelineId: This pipeline does not exist.",
        "line 9: _id: The organization has no contact with this id.",
        "line 10: emial: Unknown column. Did you mean email?",
        "line 11: zzz: Unknown column. The columns are _id, name, email, phone, pipelineId",
    ):
        assert line in errors


def test_a_stage_is_suggested_for_few_wrong_names(
    run: Run, stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"name": "Ada", "pipeline": "Sales", "stage": f"Offer{n}"} for n in range(25)]
    with pytest.raises(CommandError, match="25 of 25 rows have errors"):
        run("import_contacts", _write(tmp_path / "in.ndjson", *rows))
    errors = capsys.readouterr().err
    assert "line 1: stage: No stage of the pipeline has the name “Offer0”. Did you mean" in errors
    assert errors.count("Did you mean Offer?") == 20
    assert "the name “Offer24”. Its stages: Offer." in errors


def test_valid_rows_are_imported_where_invalid_ones_are_skipped(
    run: Run, organization: Organization, tmp_path: Path
) -> None:
    path = tmp_path / "in.csv"
    path.write_text("name,email\n'=Ada,ada@example.com\nEve,eve\n")
    rejects = tmp_path / "rejects.csv"
    run("import_contacts", path, dry_run=True, skip_invalid=True)
    assert not Contact.objects.exists()
    run("import_contacts", path, skip_invalid=True, rejects=rejects)
    assert Contact.objects.get().name == "=Ada"
    assert "Enter a valid email address" in rejects.read_text()


def test_rows_are_read_and_written_with_few_queries(
    run: Run,
    organization: Organization,
    stage: Stage,
    tmp_path: Path,
    django_assert_max_num_queries: Any,
) -> None:
    rows = [
        {"email": f"{number}@example.com", "pipeline": "Sales", "stage": "Offer"}
        for number in range(30)
    ]
    with django_assert_max_num_queries(40):
        run("import_contacts", _write(tmp_path / "in.ndjson", *rows))
    assert StageMove.objects.count() == 30


def test_id_of_a_merged_contact_is_refused(
    run: Run,
    admin: User,
    organization: Organization,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ada, eve = _create(organization, name="Ada"), _create(organization, name="Eve")
    path = tmp_path / "out.csv"
    run("export_contacts", output=path)
    services.merge_contacts(kept=ada, removed=eve, user=admin)
    with pytest.raises(CommandError, match="1 of 2 rows has errors"):
        run("import_contacts", path, update=True)
    assert f"line 3: _id: The contact was merged into {ada.pk}." in capsys.readouterr().err
    assert Contact.objects.get() == ada
    services.undo_merge(merge=ContactMerge.objects.get(), user=admin)
    run("import_contacts", path, update=True)
    assert _counts() == (0, 0, 2, 0)
