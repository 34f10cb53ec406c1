"""Icons of an import: keys, and image files beside the file."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from organizations.models import User
from tests.support import factories
from tests.support.icons import store_icon
from tests.webchats.imports.files import csv_of, exported, imported
from webchats.icons.storage import icon_storage, signed_url
from webchats.imports.report import Report
from webchats.models import Webchat


@pytest.fixture
def folder(admin: User, tmp_path: Path) -> Path:
    """A folder with two images and a text; and the prompt of ``csv_of``."""
    factories.PromptFactory.create(organization=admin.organization, name="Sales")
    place = tmp_path / "images"
    place.mkdir()
    for name, color in (("red.png", "red"), ("blue.png", "blue")):
        Image.new("RGB", (8, 8), color).save(place / name)
    (place / "text.png").write_text("no image")
    (tmp_path / "outside.png").write_bytes((place / "red.png").read_bytes())
    (place / "link.png").symlink_to(tmp_path / "outside.png")
    return place


def _import(admin: User, folder: Path | None, *cells: str, **options: Any) -> Report:
    content = csv_of(*({"icon": cell} for cell in cells), more=("icon",))
    return imported(content, admin, icons=folder, **options)


def _stored_keys() -> list[str]:
    return [found.key for found in icon_storage().objects("orgs/")]


def test_a_cell_that_names_a_file_stores_it_once(admin: User, folder: Path) -> None:
    report = _import(admin, folder, "red.png", "blue.png", "red.png", "")
    assert report.problems == []
    keys = [row.icon for row in Webchat.objects.order_by("name")]
    assert keys[0] == keys[2] != keys[1]
    assert keys[3] == ""
    assert sorted(_stored_keys()) == sorted({keys[0], keys[1]})


@pytest.mark.parametrize(
    "cell", ["text.png", "none.png", "../outside.png", "link.png", ".", "x" * 300, "/etc/passwd"]
)
def test_an_import_that_is_refused_leaves_no_object(admin: User, folder: Path, cell: str) -> None:
    report = _import(admin, folder, "red.png", cell)
    assert [(found.line, found.field) for found in report.problems] == [(3, "icon")]
    assert _stored_keys() == []
    assert not Webchat.objects.exists()


def test_a_dry_run_looks_at_images_and_stores_none(admin: User, folder: Path) -> None:
    assert _import(admin, folder, "red.png", dry_run=True).created == 1
    assert _import(admin, folder, "text.png", dry_run=True).rejected == 1
    assert _stored_keys() == []


def test_a_key_is_taken_if_it_is_the_organizations_own(
    admin: User, other_admin: User, folder: Path
) -> None:
    content = (folder / "red.png").read_bytes()
    own, theirs = (store_icon(user.organization_id, content) for user in (admin, other_admin))
    assert _import(admin, None, own).created == 1
    assert _import(admin, None, signed_url(own)).created == 1
    unknown = own.replace(own[-36:-30], "000000")
    for key in (theirs, unknown, "red.png", "https://evil.example/x.png"):
        report = _import(admin, None, key)
        [problem] = report.problems
        assert problem.reason.startswith("Icon not found.")


def test_an_export_carries_keys_and_a_second_run_asks_for_nothing_new(
    admin: User, folder: Path
) -> None:
    _import(admin, folder, "red.png")
    key = Webchat.objects.get().icon
    assert admin.organization
    content = exported(admin.organization, "csv")
    assert key.encode() in content
    assert b"http" not in content
    assert imported(content, admin, update=True).unchanged == 1


def test_an_icon_that_is_replaced_is_deleted_after_the_commit(
    admin: User, folder: Path, django_capture_on_commit_callbacks: Any
) -> None:
    _import(admin, folder, "red.png")
    before = Webchat.objects.get().icon
    with django_capture_on_commit_callbacks(execute=True):
        assert _import(admin, folder, "blue.png", update=True).updated == 1
    assert _stored_keys() == [Webchat.objects.get().icon] != [before]


def test_a_second_run_with_the_same_images_changes_nothing(
    admin: User, folder: Path, django_capture_on_commit_callbacks: Any
) -> None:
    _import(admin, folder, "red.png", "blue.png")
    keys = _stored_keys()
    for options in ({"dry_run": True}, {}):
        with django_capture_on_commit_callbacks(execute=True):
            report = _import(admin, folder, "red.png", "blue.png", update=True, **options)
        assert (report.unchanged, report.updated) == (2, 0)
        assert _stored_keys() == keys


def test_a_refused_import_keeps_the_images_that_were_there_before(
    admin: User, folder: Path
) -> None:
    _import(admin, folder, "red.png")
    keys = _stored_keys()
    assert _import(admin, folder, "red.png", "blue.png", "text.png").status == "refused"
    assert _stored_keys() == keys


def test_a_key_is_asked_for_once_however_many_rows_name_it(
    admin: User, folder: Path, storage_calls: list[str]
) -> None:
    content = (folder / "red.png").read_bytes()
    keys = [store_icon(admin.organization_id, content) for _ in range(2)]
    unknown = keys[0].replace(keys[0][-36:-30], "zzzzzz")
    wanted = [*keys, unknown, signed_url(keys[0])]
    rows = [{"icon": wanted[n % 4], "initialStage": f"label {n}"} for n in range(40)]
    storage_calls.clear()
    report = imported(csv_of(*rows, more=("icon",)), admin, skip_invalid=True)
    assert (report.created, report.rejected) == (30, 10)
    assert sorted(storage_calls) == sorted(f"exists {key}" for key in (*keys, unknown))
    storage_calls.clear()
    # Nor is one that the stored row has already.
    good = [{**row, "name": f"Row {n}"} for n, row in enumerate(rows) if n % 4 != 2]
    assert imported(csv_of(*good, more=("icon",)), admin, update=True).unchanged == 30
    assert storage_calls == []


def test_a_key_that_many_stored_rows_are_given_is_asked_for_once(
    admin: User, folder: Path, storage_calls: list[str]
) -> None:
    key = store_icon(admin.organization_id, (folder / "red.png").read_bytes())
    imported(csv_of(*[{}] * 10), admin)
    storage_calls.clear()
    assert imported(csv_of(*[{"icon": key}] * 10, more=("icon",)), admin, update=True).updated == 10
    assert storage_calls == [f"exists {key}"]
