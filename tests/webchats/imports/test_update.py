"""``update``: which stored row a row of the file means, and what is left alone."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from organizations.history import versions_of
from organizations.models import User
from tests.support import factories
from tests.webchats.imports.files import csv_of, imported
from webchats.imports import importer
from webchats.imports.listener import Listener
from webchats.models import Webchat
from webchats.models.imports import ImportRecord


@pytest.fixture(autouse=True)
def _prompt(admin: User) -> None:
    factories.PromptFactory.create(organization=admin.organization, name="Sales")


def _stored(admin: User, **values: Any) -> Webchat:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    return factories.WebchatFactory.create(user=admin, prompt=prompt, **values)


def test_a_row_is_found_by_its_name(admin: User) -> None:
    row = _stored(admin, name="Grüße Ümlaut", description="kept", offset_x=7)
    report = imported(csv_of({"name": " Grüße Ümlaut "}), admin, update=True)
    assert (report.created, report.updated) == (0, 1)
    after = Webchat.objects.get()
    assert (after.pk, after.description, after.offset_x) == (row.pk, "kept", 7)
    assert after.allowed_domains == ["example.com"]
    assert after.updated_at > row.updated_at
    assert after.created_at == row.created_at


def test_names_are_compared_with_case(admin: User) -> None:
    _stored(admin, name="row 0")
    assert imported(csv_of({}), admin, update=True).created == 1


def test_an_id_goes_before_the_name(admin: User) -> None:
    _stored(admin, name="Row 0")
    other = _stored(admin, name="Other")
    report = imported(csv_of({"_id": other.pk}, more=("_id",)), admin, update=True)
    assert report.updated == 1
    other.refresh_from_db()
    assert other.name == "Row 0"


def test_an_id_that_nobody_has_makes_a_row_that_the_next_run_finds(admin: User) -> None:
    content = csv_of({"_id": "a" * 24}, more=("_id",))
    assert imported(content, admin, update=True).created == 1
    assert imported(content, admin, update=True).unchanged == 1


def test_two_rows_of_the_name_are_an_error(admin: User) -> None:
    _stored(admin, name="Row 0")
    _stored(admin, name="Row 0")
    report = imported(csv_of({}), admin, update=True)
    assert [str(found) for found in report.problems] == [
        "line 2: name: 2 webchats have this name. Give the _id."
    ]


def test_another_organizations_row_of_the_name_is_not_found(admin: User) -> None:
    theirs = factories.WebchatFactory.create(name="Row 0")
    assert imported(csv_of({}), admin, update=True).created == 1
    before = theirs.updated_at
    theirs.refresh_from_db()
    assert theirs.updated_at == before


def test_a_name_that_stands_twice_in_the_file_is_an_error(admin: User) -> None:
    report = imported(csv_of({"name": "a"}, {"name": "a"}), admin, update=True)
    assert [str(found) for found in report.problems] == [
        "line 3: name: The same row stands in line 2 already."
    ]


def test_an_id_and_a_name_that_mean_the_same_row_are_an_error(admin: User) -> None:
    row = _stored(admin, name="Row 0")
    content = csv_of({"_id": row.pk, "name": "New name"}, {"name": "Row 0"}, more=("_id",))
    report = imported(content, admin, update=True)
    assert [(found.line, found.field) for found in report.problems] == [(3, "name")]


def test_without_update_every_row_is_new_and_an_id_in_use_is_an_error(admin: User) -> None:
    row = _stored(admin, name="Row 0")
    assert imported(csv_of({}, {"name": "Row 0"}), admin).created == 2
    report = imported(csv_of({"_id": row.pk}, more=("_id",)), admin)
    assert "import with update" in report.problems[0].reason


def test_an_empty_cell_leaves_the_stored_value(admin: User) -> None:
    row = _stored(admin, name="Row 0", status_text="kept", is_enabled=False, offset_x=3)
    more = ("statusText", "isEnabled", "offsetX")
    imported(csv_of({}, more=more), admin, update=True)
    row.refresh_from_db()
    assert (row.status_text, row.is_enabled, row.offset_x) == ("kept", False, 3)


def test_null_in_json_brings_the_default_back(admin: User) -> None:
    row = _stored(admin, name="a", status_text="gone", is_enabled=False, offset_x=3)
    content = '{"name": "a", "statusText": null, "isEnabled": null, "offsetX": null}'
    assert imported(content, admin, format_name="ndjson", update=True).updated == 1
    row.refresh_from_db()
    assert (row.status_text, row.is_enabled, row.offset_x) == ("", True, 24)


def test_what_is_read_only_is_passed_over(admin: User, other_admin: User) -> None:
    more = ("organizationId", "userId", "createdBy", "createdAt", "updatedAt")
    changes = dict.fromkeys(more, other_admin.pk)
    assert imported(csv_of(changes, more=more), admin).created == 1
    row = Webchat.objects.get()
    assert (row.organization_id, row.user_id) == (admin.organization_id, admin.pk)


def test_a_stage_moves_with_the_names_that_place_it(admin: User) -> None:
    pipeline = factories.PipelineFactory.create(organization=admin.organization, name="Pipe")
    first = factories.StageFactory.create(pipeline=pipeline, name="First", slug="first")
    second = factories.StageFactory.create(pipeline=pipeline, name="Second", slug="second")
    _stored(admin, name="Row 0", pipeline=pipeline, initial_stage="first", entry_stage=first)
    imported(csv_of({"initialStage": "SECOND"}), admin, update=True)
    assert Webchat.objects.get().entry_stage == second
    report = imported(
        csv_of({"stage": "First", "initialStage": "hot"}, more=("stage",)), admin, update=True
    )
    assert report.problems == []
    row = Webchat.objects.get()
    assert (row.pipeline_stage, row.entry_stage, row.initial_stage) == (first, first, "hot")


def test_a_prompt_that_was_deactivated_since_does_not_block_other_changes(admin: User) -> None:
    row = _stored(admin, name="Row 0")
    row.prompt.is_active = False
    row.prompt.save()
    content = csv_of({"prompt": "", "promptId": row.prompt_id}, more=("promptId",))
    assert imported(content, admin, update=True).updated == 1


def test_a_dry_run_says_what_would_be_and_writes_nothing(admin: User) -> None:
    _stored(admin, name="Row 0")
    before = list(Webchat.objects.values())
    report = imported(csv_of({}, {}, {}), admin, update=True, dry_run=True)
    assert (report.status, report.created, report.updated) == ("checked", 2, 1)
    assert list(Webchat.objects.values()) == before


def _versions(name: str) -> list[tuple[str, str | None]]:
    versions = Webchat.history.filter(name=name).order_by("history_id")
    return list(versions.values_list("history_type", "history_user_id"))


def test_created_and_changed_rows_leave_a_version_and_unchanged_ones_none(
    admin: User, rep: User
) -> None:
    imported(csv_of({"name": "a"}, {"name": "b"}), rep)
    assert _versions("a") == _versions("b") == [("+", rep.pk)]
    changes = {"name": "b", "allowedDomains": "changed.example"}
    report = imported(csv_of({"name": "a"}, changes, {"name": "c"}), admin, update=True)
    assert (report.created, report.updated, report.unchanged) == (1, 1, 1)
    assert _versions("a") == [("+", rep.pk)]
    assert _versions("b") == [("+", rep.pk), ("~", admin.pk)]
    assert _versions("c") == [("+", admin.pk)]


def test_an_imported_version_is_the_one_that_saving_leaves(admin: User) -> None:
    pipeline = factories.PipelineFactory.create(organization=admin.organization, name="Pipe")
    factories.StageFactory.create(pipeline=pipeline, slug="new")
    changes = {"pipeline": "Pipe", "allowedDomains": "a.example *.b.example"}
    imported(csv_of(changes, more=("pipeline",)), admin)
    row: Any = Webchat.objects.get()
    row._history_user = admin
    row.save()
    saved, written = Webchat.history.order_by("-history_id").values()
    differing = {name for name in saved if saved[name] != written[name]}
    assert differing <= {"history_id", "history_date", "history_type", "updated_at"}
    assert written["history_date"] >= row.created_at
    assert written["allowed_domains"] == ["a.example", "*.b.example"]


@pytest.mark.parametrize("refused", [{"dry_run": True}, {}])
def test_what_is_rolled_back_leaves_no_version(
    admin: User, monkeypatch: pytest.MonkeyPatch, refused: Any
) -> None:
    monkeypatch.setattr(importer, "BATCH", 2)
    stored = _stored(admin, name="Row 0")
    bad = [] if refused else [{"name": ""}]
    imported(csv_of({}, {}, {}, {}, *bad), admin, update=True, **refused)
    assert list(Webchat.history.values_list("id", flat=True)) == [stored.pk]


def test_an_import_leaves_a_record(admin: User, other_admin: User) -> None:
    content = csv_of({}, {"name": ""})
    imported(content, admin, skip_invalid=True)
    record = ImportRecord.objects.get()
    assert (record.organization_id, record.user_id) == (admin.organization_id, admin.pk)
    assert (record.file_name, record.status) == ("file.csv", "completed")
    assert (record.created, record.updated, record.unchanged, record.rejected) == (1, 0, 0, 1)
    assert record.sha256 == hashlib.sha256(content.encode()).hexdigest()
    assert record.finished_at is not None
    assert not ImportRecord.objects.for_user(other_admin).exists()


class _StopsAfter(Listener):
    def __init__(self, batches: int) -> None:
        self.left = batches

    def stopped(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("batches", [0, 1, 2, 3])
def test_an_interrupted_import_leaves_nothing_but_its_record(
    admin: User, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    monkeypatch.setattr(importer, "BATCH", 2)
    report = imported(csv_of(*[{}] * 6), admin, listener=_StopsAfter(batches))
    assert report.summary == "Interrupted, nothing was written."
    assert not Webchat.objects.exists()
    assert ImportRecord.objects.get().status == "interrupted"


def _queries(act: Callable[[], object]) -> int:
    count = 0

    def counting(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        nonlocal count
        count += 1
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(counting):
        act()
    return count


@pytest.mark.parametrize("update", [False, True])
def test_queries_grow_with_batches_and_not_with_rows(
    admin: User, monkeypatch: pytest.MonkeyPatch, update: bool
) -> None:
    monkeypatch.setattr(importer, "BATCH", 100)
    pipeline = factories.PipelineFactory.create(organization=admin.organization, name="Pipe")
    factories.StageFactory.create_batch(5, pipeline=pipeline)
    stage = factories.StageFactory.create(pipeline=pipeline, name="new")

    def run(prefix: str, count: int) -> int:
        rows = [{"name": f"{prefix} {n}", "pipeline": "Pipe"} for n in range(count)]
        content = csv_of(*rows, more=("pipeline",))
        spent = _queries(lambda: imported(content, admin, update=update))
        if update:
            # Every row is found and changed.
            content = content.replace("example.com", f"{prefix}.com")
            spent += _queries(lambda: imported(content, admin, update=True))
        assert Webchat.objects.filter(entry_stage=stage, name__startswith=prefix).count() == count
        return spent

    one, hundred, three_hundred = run("a", 1), run("b", 100), run("c", 300)
    assert one == hundred
    assert three_hundred - hundred <= (3 + 1) * 2 * (2 if update else 1)


def _deleted(owner: User) -> Webchat:
    row = _stored(owner, name="Theirs")
    row.prompt = factories.PromptFactory.create(organization=owner.organization, name="Secret")
    row.name, row.description = "Theirs again", "Secret description"
    row.save()
    copy = Webchat.objects.get(pk=row.pk)
    row.delete()
    return copy


@pytest.mark.parametrize("update", [False, True])
def test_the_id_of_another_organizations_deleted_row_is_taken(
    admin: User, other_admin: User, update: bool
) -> None:
    theirs = _deleted(other_admin)
    report = imported(csv_of({"_id": theirs.pk}, more=("_id",)), admin, update=update)
    assert [(found.line, found.field) for found in report.problems] == [(2, "_id")]
    assert not Webchat.objects.exists()


def test_the_id_of_ones_own_deleted_row_brings_it_back(admin: User) -> None:
    own = _deleted(admin)
    assert imported(csv_of({"_id": own.pk}, more=("_id",)), admin).created == 1


def test_a_rows_history_tells_nothing_of_another_organization(
    admin: User, other_admin: User
) -> None:
    theirs = _deleted(other_admin)
    row = _stored(admin, id=theirs.pk)
    old_prompt, row.prompt = row.prompt, theirs.prompt
    Webchat.history.model.objects.filter(id=row.pk, organization=admin.organization).update(
        prompt=theirs.prompt
    )
    row.prompt, row.name = old_prompt, "Mine"
    row.save()
    told = [change for version in versions_of(row) for change in version.changes]
    assert {change.field for change in told} == {"name", "prompt"}
    assert not any("Secret" in f"{change.old} {change.new}" for change in told)
    assert len(versions_of(row)) == 2


@pytest.mark.parametrize("batch", [1, 2, 2_000])
def test_a_name_that_the_file_gave_to_a_stored_row_stands_for_it(
    admin: User, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "BATCH", batch)
    row = _stored(admin, name="A")
    content = csv_of({"_id": row.pk, "name": "B"}, {"name": "B"}, more=("_id",))
    report = imported(content, admin, update=True)
    assert [str(found) for found in report.problems] == [
        "line 3: name: The same row stands in line 2 already."
    ]
