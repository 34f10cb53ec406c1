"""Imports with ``update``: matching of rows and webchats, unchanged values, history."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from organizations.history import get_versions
from organizations.models import User
from tests.support import factories
from tests.webchats.imports.files import import_content, to_csv
from webchats.imports import importer
from webchats.imports.interfaces import ImportObserver
from webchats.models import Webchat
from webchats.models.imports import ImportRecord


@pytest.fixture(autouse=True)
def _prompt(admin: User) -> None:
    factories.PromptFactory.create(organization=admin.organization, name="Sales")


def _create(admin: User, **values: Any) -> Webchat:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    return factories.WebchatFactory.create(user=admin, prompt=prompt, **values)


def test_a_row_updates_the_webchat_with_its_name(admin: User) -> None:
    webchat = _create(admin, name="Grüße Ümlaut", description="kept", offset_x=7)
    report = import_content(to_csv({"name": " Grüße Ümlaut "}), admin, update=True)
    assert (report.created, report.updated) == (0, 1)
    after = Webchat.objects.get()
    assert (after.pk, after.description, after.offset_x) == (webchat.pk, "kept", 7)
    assert after.allowed_domains == ["example.com"]
    assert after.updated_at > webchat.updated_at
    assert after.created_at == webchat.created_at


def test_names_are_compared_case_sensitively(admin: User) -> None:
    _create(admin, name="row 0")
    assert import_content(to_csv({}), admin, update=True).created == 1


def test_an_id_takes_precedence_over_the_name(admin: User) -> None:
    _create(admin, name="Row 0")
    other = _create(admin, name="Other")
    report = import_content(to_csv({"_id": other.pk}, more=("_id",)), admin, update=True)
    assert report.updated == 1
    other.refresh_from_db()
    assert other.name == "Row 0"


def test_an_unused_id_creates_a_webchat_that_the_next_import_updates(admin: User) -> None:
    content = to_csv({"_id": "a" * 24}, more=("_id",))
    assert import_content(content, admin, update=True).created == 1
    assert import_content(content, admin, update=True).unchanged == 1


def test_a_name_of_two_webchats_is_an_error(admin: User) -> None:
    _create(admin, name="Row 0")
    _create(admin, name="Row 0")
    report = import_content(to_csv({}), admin, update=True)
    assert [str(problem) for problem in report.problems] == [
        "line 2: name: 2 webchats have this name. Use the column _id."
    ]


def test_a_webchat_of_another_organization_with_the_name_is_not_updated(admin: User) -> None:
    other = factories.WebchatFactory.create(name="Row 0")
    assert import_content(to_csv({}), admin, update=True).created == 1
    before = other.updated_at
    other.refresh_from_db()
    assert other.updated_at == before


def test_a_duplicate_name_in_the_file_is_an_error(admin: User) -> None:
    report = import_content(to_csv({"name": "a"}, {"name": "a"}), admin, update=True)
    assert [str(problem) for problem in report.problems] == ["line 3: name: Duplicate of line 2."]


def test_an_id_and_a_name_of_the_same_webchat_are_an_error(admin: User) -> None:
    webchat = _create(admin, name="Row 0")
    content = to_csv({"_id": webchat.pk, "name": "New name"}, {"name": "Row 0"}, more=("_id",))
    report = import_content(content, admin, update=True)
    assert [(problem.line, problem.field) for problem in report.problems] == [(3, "name")]


def test_without_update_every_row_is_new_and_an_id_in_use_is_an_error(admin: User) -> None:
    webchat = _create(admin, name="Row 0")
    assert import_content(to_csv({}, {"name": "Row 0"}), admin).created == 2
    report = import_content(to_csv({"_id": webchat.pk}, more=("_id",)), admin)
    assert report.problems[0].reason.startswith("A webchat with this id already exists.")


def test_an_empty_cell_keeps_the_stored_value(admin: User) -> None:
    webchat = _create(admin, name="Row 0", status_text="kept", is_enabled=False, offset_x=3)
    more = ("statusText", "isEnabled", "offsetX")
    import_content(to_csv({}, more=more), admin, update=True)
    webchat.refresh_from_db()
    assert (webchat.status_text, webchat.is_enabled, webchat.offset_x) == ("kept", False, 3)


def test_null_in_json_sets_the_default(admin: User) -> None:
    webchat = _create(admin, name="a", status_text="gone", is_enabled=False, offset_x=3)
    content = '{"name": "a", "statusText": null, "isEnabled": null, "offsetX": null}'
    assert import_content(content, admin, format_name="ndjson", update=True).updated == 1
    webchat.refresh_from_db()
    assert (webchat.status_text, webchat.is_enabled, webchat.offset_x) == ("", True, 24)


def test_read_only_columns_are_ignored(admin: User, other_admin: User) -> None:
    more = ("organizationId", "userId", "createdBy", "createdAt", "updatedAt")
    changes = dict.fromkeys(more, other_admin.pk)
    assert import_content(to_csv(changes, more=more), admin).created == 1
    webchat = Webchat.objects.get()
    assert (webchat.organization_id, webchat.user_id) == (admin.organization_id, admin.pk)


def test_the_entry_stage_follows_a_new_initial_stage_or_stage(admin: User) -> None:
    pipeline = factories.PipelineFactory.create(organization=admin.organization, name="Pipe")
    first = factories.StageFactory.create(pipeline=pipeline, name="First", slug="first")
    second = factories.StageFactory.create(pipeline=pipeline, name="Second", slug="second")
    _create(admin, name="Row 0", pipeline=pipeline, initial_stage="first", entry_stage=first)
    import_content(to_csv({"initialStage": "SECOND"}), admin, update=True)
    assert Webchat.objects.get().entry_stage == second
    report = import_content(
        to_csv({"stage": "First", "initialStage": "hot"}, more=("stage",)), admin, update=True
    )
    assert report.problems == []
    webchat = Webchat.objects.get()
    assert (webchat.pipeline_stage, webchat.entry_stage, webchat.initial_stage) == (
        first,
        first,
        "hot",
    )


def test_a_prompt_that_was_deactivated_later_does_not_block_other_changes(admin: User) -> None:
    webchat = _create(admin, name="Row 0")
    webchat.prompt.is_active = False
    webchat.prompt.save()
    content = to_csv({"prompt": "", "promptId": webchat.prompt_id}, more=("promptId",))
    assert import_content(content, admin, update=True).updated == 1


def test_a_dry_run_reports_the_changes_and_writes_nothing(admin: User) -> None:
    _create(admin, name="Row 0")
    before = list(Webchat.objects.values())
    report = import_content(to_csv({}, {}, {}), admin, update=True, dry_run=True)
    assert (report.status, report.created, report.updated) == ("checked", 2, 1)
    assert list(Webchat.objects.values()) == before


def _versions(name: str) -> list[tuple[str, str | None]]:
    versions = Webchat.history.filter(name=name).order_by("history_id")
    return list(versions.values_list("history_type", "history_user_id"))


def test_only_created_and_updated_webchats_get_a_history_record(admin: User, rep: User) -> None:
    import_content(to_csv({"name": "a"}, {"name": "b"}), rep)
    assert _versions("a") == _versions("b") == [("+", rep.pk)]
    changes = {"name": "b", "allowedDomains": "changed.example"}
    report = import_content(to_csv({"name": "a"}, changes, {"name": "c"}), admin, update=True)
    assert (report.created, report.updated, report.unchanged) == (1, 1, 1)
    assert _versions("a") == [("+", rep.pk)]
    assert _versions("b") == [("+", rep.pk), ("~", admin.pk)]
    assert _versions("c") == [("+", admin.pk)]


def test_the_history_record_of_an_import_equals_that_of_a_save(admin: User) -> None:
    pipeline = factories.PipelineFactory.create(organization=admin.organization, name="Pipe")
    factories.StageFactory.create(pipeline=pipeline, slug="new")
    changes = {"pipeline": "Pipe", "allowedDomains": "a.example *.b.example"}
    import_content(to_csv(changes, more=("pipeline",)), admin)
    webchat: Any = Webchat.objects.get()
    webchat._history_user = admin
    webchat.save()
    saved, written = Webchat.history.order_by("-history_id").values()
    differing = {name for name in saved if saved[name] != written[name]}
    assert differing <= {"history_id", "history_date", "history_type", "updated_at"}
    assert written["history_date"] >= webchat.created_at
    assert written["allowed_domains"] == ["a.example", "*.b.example"]


@pytest.mark.parametrize("refused", [{"dry_run": True}, {}])
def test_a_rolled_back_import_leaves_no_history_record(
    admin: User, monkeypatch: pytest.MonkeyPatch, refused: Any
) -> None:
    monkeypatch.setattr(importer, "BATCH", 2)
    stored = _create(admin, name="Row 0")
    bad = [] if refused else [{"name": ""}]
    import_content(to_csv({}, {}, {}, {}, *bad), admin, update=True, **refused)
    assert list(Webchat.history.values_list("id", flat=True)) == [stored.pk]


def test_an_import_is_recorded(admin: User, other_admin: User) -> None:
    content = to_csv({}, {"name": ""})
    import_content(content, admin, skip_invalid=True)
    record = ImportRecord.objects.get()
    assert (record.organization_id, record.user_id) == (admin.organization_id, admin.pk)
    assert (record.file_name, record.status) == ("file.csv", "completed")
    assert (record.created, record.updated, record.unchanged, record.rejected) == (1, 0, 0, 1)
    assert record.sha256 == hashlib.sha256(content.encode()).hexdigest()
    assert record.finished_at is not None
    assert not ImportRecord.objects.for_user(other_admin).exists()


class _StopsAfter(ImportObserver):
    def __init__(self, batches: int) -> None:
        self.left = batches

    def should_stop(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("batches", [0, 1, 2, 3])
def test_an_interrupted_import_leaves_only_its_record(
    admin: User, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    monkeypatch.setattr(importer, "BATCH", 2)
    report = import_content(to_csv(*[{}] * 6), admin, observer=_StopsAfter(batches))
    assert report.summary == "Interrupted. Nothing was imported."
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
def test_the_number_of_queries_grows_with_batches_and_not_with_rows(
    admin: User, monkeypatch: pytest.MonkeyPatch, update: bool
) -> None:
    monkeypatch.setattr(importer, "BATCH", 100)
    pipeline = factories.PipelineFactory.create(organization=admin.organization, name="Pipe")
    factories.StageFactory.create_batch(5, pipeline=pipeline)
    stage = factories.StageFactory.create(pipeline=pipeline, name="new")

    def run(prefix: str, count: int) -> int:
        rows = [{"name": f"{prefix} {n}", "pipeline": "Pipe"} for n in range(count)]
        content = to_csv(*rows, more=("pipeline",))
        queries = _queries(lambda: import_content(content, admin, update=update))
        if update:
            # Every row is found and changed.
            content = content.replace("example.com", f"{prefix}.com")
            queries += _queries(lambda: import_content(content, admin, update=True))
        assert Webchat.objects.filter(entry_stage=stage, name__startswith=prefix).count() == count
        return queries

    one, hundred, three_hundred = run("a", 1), run("b", 100), run("c", 300)
    assert one == hundred
    assert three_hundred - hundred <= (3 + 1) * 2 * (2 if update else 1)


def _deleted(owner: User) -> Webchat:
    webchat = _create(owner, name="Theirs")
    webchat.prompt = factories.PromptFactory.create(organization=owner.organization, name="Secret")
    webchat.name, webchat.description = "Theirs again", "Secret description"
    webchat.save()
    copy = Webchat.objects.get(pk=webchat.pk)
    webchat.delete()
    return copy


@pytest.mark.parametrize("update", [False, True])
def test_the_id_of_a_deleted_webchat_of_another_organization_is_in_use(
    admin: User, other_admin: User, update: bool
) -> None:
    other = _deleted(other_admin)
    report = import_content(to_csv({"_id": other.pk}, more=("_id",)), admin, update=update)
    assert [(problem.line, problem.field) for problem in report.problems] == [(2, "_id")]
    assert not Webchat.objects.exists()


def test_the_id_of_a_deleted_webchat_of_the_organization_can_be_used_again(admin: User) -> None:
    own = _deleted(admin)
    assert import_content(to_csv({"_id": own.pk}, more=("_id",)), admin).created == 1


def test_the_history_of_a_reused_id_hides_the_other_organization(
    admin: User, other_admin: User
) -> None:
    other = _deleted(other_admin)
    webchat = _create(admin, id=other.pk)
    old_prompt, webchat.prompt = webchat.prompt, other.prompt
    Webchat.history.model.objects.filter(id=webchat.pk, organization=admin.organization).update(
        prompt=other.prompt
    )
    webchat.prompt, webchat.name = old_prompt, "Mine"
    webchat.save()
    changes = [change for version in get_versions(webchat) for change in version.changes]
    assert {change.field for change in changes} == {"name", "prompt"}
    assert not any("Secret" in f"{change.old} {change.new}" for change in changes)
    assert len(get_versions(webchat)) == 2


@pytest.mark.parametrize("batch", [1, 2, 2_000])
def test_a_name_that_an_earlier_row_assigns_is_a_duplicate(
    admin: User, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "BATCH", batch)
    webchat = _create(admin, name="A")
    content = to_csv({"_id": webchat.pk, "name": "B"}, {"name": "B"}, more=("_id",))
    report = import_content(content, admin, update=True)
    assert [str(problem) for problem in report.problems] == ["line 3: name: Duplicate of line 2."]
