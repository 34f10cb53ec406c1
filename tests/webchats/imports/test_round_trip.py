"""What export writes, import reads: nothing is lost, nothing is changed."""

import json
from typing import Any

import pytest
from django.db import connection

from organizations.models import User
from tests.support import factories
from tests.webchats.imports.files import TEXTS, exported, imported, realistic
from webchats.imports.columns import EXPORTED
from webchats.imports.formats.formulas import with_guard, without_guard
from webchats.models import Webchat

FORMATS = ("csv", "json", "ndjson", "xlsx")


def _restored(user: User, format_name: str) -> tuple[bytes, bytes]:
    assert user.organization
    before = exported(user.organization, format_name)
    with connection.cursor() as cursor:
        # Row by row, each leaving a version, it would take most of the test's time.
        cursor.execute(f"DELETE FROM {Webchat._meta.db_table}")
    report = imported(before, user, format_name=format_name)
    assert report.problems == []
    return before, exported(user.organization, format_name)


@pytest.mark.django_db
@pytest.mark.parametrize("format_name", FORMATS)
def test_an_export_that_is_imported_exports_to_the_same_bytes(
    admin: User, format_name: str
) -> None:
    realistic(admin, 10_000)
    before, after = _restored(admin, format_name)
    assert before == after
    assert len(before) > 10_000


@pytest.mark.django_db
@pytest.mark.parametrize("format_name", FORMATS)
def test_a_second_run_with_update_changes_nothing(admin: User, format_name: str) -> None:
    realistic(admin, 300)
    assert admin.organization
    rows = list(Webchat.objects.order_by("pk").values())
    report = imported(
        exported(admin.organization, format_name), admin, format_name=format_name, update=True
    )
    assert (report.created, report.updated, report.unchanged) == (0, 0, 300)
    assert list(Webchat.objects.order_by("pk").values()) == rows


@pytest.mark.django_db
def test_a_created_row_is_whole(admin: User) -> None:
    realistic(admin, 60)
    rows = {row["id"]: row for row in Webchat.objects.values()}
    _restored(admin, "json")
    for row in Webchat.objects.all():
        before = rows[row.pk]
        assert row.entry_stage_id == before["entry_stage_id"]
        assert (row.user_id, row.created_by_id) == (admin.pk, admin.pk)
        assert row.created_at == row.updated_at > before["created_at"]
        row.full_clean()


@pytest.mark.django_db
def test_an_export_is_the_document_without_what_follows_from_who_and_when(admin: User) -> None:
    webchat = factories.WebchatFactory.create(user=admin, allowed_domains=["example.com"])
    assert admin.organization
    [document] = json.loads(exported(admin.organization, "json"))
    assert tuple(document) == EXPORTED
    assert document["_id"] == webchat.pk
    assert document["allowedDomains"] == ["example.com"]
    assert document["icon"] is None
    assert not {"organizationId", "userId", "createdBy", "createdAt", "updatedAt"} & set(document)


@pytest.mark.django_db
@pytest.mark.parametrize("format_name", FORMATS)
def test_an_organization_without_webchats_exports_what_imports(
    admin: User, format_name: str
) -> None:
    assert admin.organization
    report = imported(exported(admin.organization, format_name), admin, format_name=format_name)
    assert (report.status, report.rows) == ("completed", 0)


@pytest.mark.parametrize("text", [*TEXTS, "\t", "\r", "'", "''", "'x", "'\t", "''''=", "=", "-"])
def test_the_guard_against_formulas_is_undone(text: str) -> None:
    assert without_guard(with_guard(text)) == text


@pytest.mark.parametrize("character", "=+-@\t\r\n＝＋－＠")
def test_no_cell_of_an_export_begins_like_a_formula(character: str) -> None:
    assert with_guard(f"{character}cmd") == f"'{character}cmd"


@pytest.mark.django_db
@pytest.mark.parametrize("format_name", ["csv", "xlsx"])
def test_a_formula_leaves_as_text(admin: User, format_name: str, tmp_path: Any) -> None:
    factories.WebchatFactory.create(user=admin, name="=HYPERLINK(1)")
    assert admin.organization
    content = exported(admin.organization, format_name)
    if format_name == "csv":
        assert b",'=HYPERLINK(1)," in content
    else:
        assert b"<f>" not in content
    Webchat.objects.all().delete()
    imported(content, admin, format_name=format_name)
    assert Webchat.objects.get().name == "=HYPERLINK(1)"
