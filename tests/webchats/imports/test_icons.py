"""Icons of an import: keys, URLs and image files."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from organizations.models import User
from tests.support import factories
from tests.support.icons import store_icon
from tests.webchats.imports.files import export_content, import_content, to_csv
from webchats.icons.storage import icon_storage, signed_url
from webchats.imports.report import ImportReport
from webchats.models import Webchat


@pytest.fixture
def folder(admin: User, tmp_path: Path) -> Path:
    """A folder with two images, a text file, and a symbolic link to an image outside."""
    factories.PromptFactory.create(organization=admin.organization, name="Sales")
    images = tmp_path / "images"
    images.mkdir()
    for name, color in (("red.png", "red"), ("blue.png", "blue")):
        Image.new("RGB", (8, 8), color).save(images / name)
    (images / "text.png").write_text("not an image")
    (tmp_path / "outside.png").write_bytes((images / "red.png").read_bytes())
    (images / "link.png").symlink_to(tmp_path / "outside.png")
    return images


def _import(admin: User, folder: Path | None, *cells: str, **options: Any) -> ImportReport:
    content = to_csv(*({"icon": cell} for cell in cells), more=("icon",))
    return import_content(content, admin, icons=folder, **options)


def _stored_keys() -> list[str]:
    return [stored.key for stored in icon_storage().objects("orgs/")]


def test_an_image_that_several_rows_name_is_stored_once(admin: User, folder: Path) -> None:
    report = _import(admin, folder, "red.png", "blue.png", "red.png", "")
    assert report.problems == []
    keys = [row.icon for row in Webchat.objects.order_by("name")]
    assert keys[0] == keys[2] != keys[1]
    assert keys[3] == ""
    assert sorted(_stored_keys()) == sorted({keys[0], keys[1]})


@pytest.mark.parametrize(
    "cell", ["text.png", "none.png", "../outside.png", "link.png", ".", "x" * 300, "/etc/passwd"]
)
def test_a_refused_import_stores_no_image(admin: User, folder: Path, cell: str) -> None:
    report = _import(admin, folder, "red.png", cell)
    assert [(problem.line, problem.field) for problem in report.problems] == [(3, "icon")]
    assert _stored_keys() == []
    assert not Webchat.objects.exists()


def test_a_dry_run_validates_images_and_stores_none(admin: User, folder: Path) -> None:
    assert _import(admin, folder, "red.png", dry_run=True).created == 1
    assert _import(admin, folder, "text.png", dry_run=True).rejected == 1
    assert _stored_keys() == []


def test_only_keys_and_urls_of_the_organizations_icons_are_accepted(
    admin: User, other_admin: User, folder: Path
) -> None:
    content = (folder / "red.png").read_bytes()
    own, other = (store_icon(user.organization_id, content) for user in (admin, other_admin))
    assert _import(admin, None, own).created == 1
    assert _import(admin, None, signed_url(own)).created == 1
    unknown = own.replace(own[-36:-30], "000000")
    for key in (other, unknown, "red.png", "https://evil.example/x.png"):
        report = _import(admin, None, key)
        [problem] = report.problems
        assert problem.reason.startswith("Icon not found.")


def test_an_export_contains_keys_that_an_update_leaves_unchanged(admin: User, folder: Path) -> None:
    _import(admin, folder, "red.png")
    key = Webchat.objects.get().icon
    assert admin.organization
    content = export_content(admin.organization, "csv")
    assert key.encode() in content
    assert b"http" not in content
    assert import_content(content, admin, update=True).unchanged == 1


def test_a_replaced_icon_is_deleted_on_commit(
    admin: User, folder: Path, django_capture_on_commit_callbacks: Any
) -> None:
    _import(admin, folder, "red.png")
    before = Webchat.objects.get().icon
    with django_capture_on_commit_callbacks(execute=True):
        assert _import(admin, folder, "blue.png", update=True).updated == 1
    assert _stored_keys() == [Webchat.objects.get().icon] != [before]


def test_an_update_with_the_same_images_changes_nothing(
    admin: User, folder: Path, django_capture_on_commit_callbacks: Any
) -> None:
    _import(admin, folder, "red.png", "blue.png")
    keys = _stored_keys()
    for options in ({"dry_run": True}, {}):
        with django_capture_on_commit_callbacks(execute=True):
            report = _import(admin, folder, "red.png", "blue.png", update=True, **options)
        assert (report.unchanged, report.updated) == (2, 0)
        assert _stored_keys() == keys


def test_a_refused_import_keeps_images_that_were_stored_before(admin: User, folder: Path) -> None:
    _import(admin, folder, "red.png")
    keys = _stored_keys()
    assert _import(admin, folder, "red.png", "blue.png", "text.png").status == "refused"
    assert _stored_keys() == keys


def test_each_key_is_looked_up_once_for_all_new_rows(
    admin: User, folder: Path, storage_calls: list[str]
) -> None:
    content = (folder / "red.png").read_bytes()
    keys = [store_icon(admin.organization_id, content) for _ in range(2)]
    unknown = keys[0].replace(keys[0][-36:-30], "zzzzzz")
    cells = [*keys, unknown, signed_url(keys[0])]
    rows = [{"icon": cells[n % 4], "initialStage": f"label {n}"} for n in range(40)]
    storage_calls.clear()
    report = import_content(to_csv(*rows, more=("icon",)), admin, skip_invalid=True)
    assert (report.created, report.rejected) == (30, 10)
    assert sorted(storage_calls) == sorted(f"exists {key}" for key in (*keys, unknown))
    storage_calls.clear()
    # The icons of unchanged webchats are not looked up at all.
    valid = [{**row, "name": f"Row {n}"} for n, row in enumerate(rows) if n % 4 != 2]
    assert import_content(to_csv(*valid, more=("icon",)), admin, update=True).unchanged == 30
    assert storage_calls == []


def test_each_key_is_looked_up_once_for_all_updated_rows(
    admin: User, folder: Path, storage_calls: list[str]
) -> None:
    key = store_icon(admin.organization_id, (folder / "red.png").read_bytes())
    import_content(to_csv(*[{}] * 10), admin)
    storage_calls.clear()
    content = to_csv(*[{"icon": key}] * 10, more=("icon",))
    assert import_content(content, admin, update=True).updated == 10
    assert storage_calls == [f"exists {key}"]
