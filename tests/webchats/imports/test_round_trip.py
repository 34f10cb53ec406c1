"""Round trips: an import of an export changes nothing."""

import csv
import json
from typing import Any, Final

import pytest
from django.db import connection

from organizations.models import User
from tests.support import factories
from tests.webchats.imports.files import (
    STRINGS,
    create_varied_webchats,
    export_content,
    import_content,
)
from webchats.imports.columns import EXPORTED
from webchats.imports.formats import FORMATS
from webchats.imports.formats.csv import escape_formula, unescape_formula
from webchats.imports.importer import BATCH
from webchats.models import Webchat

#: Formulas behind another separator than that of the file.
HIDDEN: Final = ("Eve;=1+1;x", ";=1", "1\t=1", "a\n+1", "a; '=1", ";''@x", "\t;\r\n -1", "=1;=1")


def _delete_and_import(user: User, format_name: str) -> tuple[bytes, bytes]:
    """Return an export, and an export after all webchats were deleted and imported."""
    assert user.organization
    before = export_content(user.organization, format_name)
    with connection.cursor() as cursor:
        # Much faster than the ORM, which inserts a history record for each row.
        cursor.execute(f"DELETE FROM {Webchat._meta.db_table}")
    report = import_content(before, user, format_name=format_name)
    assert report.problems == []
    return before, export_content(user.organization, format_name)


@pytest.mark.django_db
@pytest.mark.parametrize("format_name", [*FORMATS])
def test_an_imported_export_exports_to_the_same_bytes(admin: User, format_name: str) -> None:
    create_varied_webchats(admin, BATCH + 100)
    before, after = _delete_and_import(admin, format_name)
    assert before == after
    assert len(before) > 10_000


@pytest.mark.django_db
@pytest.mark.parametrize("format_name", [*FORMATS])
def test_an_import_of_an_unmodified_export_with_update_changes_nothing(
    admin: User, format_name: str
) -> None:
    create_varied_webchats(admin, 300)
    assert admin.organization
    rows = list(Webchat.objects.order_by("pk").values())
    report = import_content(
        export_content(admin.organization, format_name), admin, format_name=format_name, update=True
    )
    assert (report.created, report.updated, report.unchanged) == (0, 0, 300)
    assert list(Webchat.objects.order_by("pk").values()) == rows


@pytest.mark.django_db
def test_an_imported_webchat_has_every_value_and_is_valid(admin: User) -> None:
    create_varied_webchats(admin, 60)
    rows = {row["id"]: row for row in Webchat.objects.values()}
    _delete_and_import(admin, "json")
    for row in Webchat.objects.all():
        before = rows[row.pk]
        assert row.entry_stage_id == before["entry_stage_id"]
        assert (row.user_id, row.created_by_id) == (admin.pk, admin.pk)
        assert row.created_at == row.updated_at > before["created_at"]
        row.full_clean()


@pytest.mark.django_db
def test_an_export_has_the_fields_of_the_document_that_an_import_reads(admin: User) -> None:
    webchat = factories.WebchatFactory.create(user=admin, allowed_domains=["example.com"])
    assert admin.organization
    [document] = json.loads(export_content(admin.organization, "json"))
    assert tuple(document) == EXPORTED
    assert document["_id"] == webchat.pk
    assert document["allowedDomains"] == ["example.com"]
    assert document["icon"] is None
    assert not {"organizationId", "userId", "createdBy", "createdAt", "updatedAt"} & set(document)


@pytest.mark.django_db
@pytest.mark.parametrize("format_name", [*FORMATS])
def test_an_export_without_webchats_can_be_imported(admin: User, format_name: str) -> None:
    assert admin.organization
    report = import_content(
        export_content(admin.organization, format_name), admin, format_name=format_name
    )
    assert (report.status, report.rows) == ("completed", 0)


@pytest.mark.parametrize(
    "text", [*STRINGS, "\t", "\r", "'", "''", "'x", "'\t", "''''=", "=", "-", *HIDDEN]
)
def test_an_import_unescapes_formulas(text: str) -> None:
    assert unescape_formula(escape_formula(text)) == text


@pytest.mark.parametrize("character", "=+-@\t\r\n＝＋－＠")
def test_no_cell_of_an_export_starts_like_a_formula(character: str) -> None:
    assert escape_formula(f"{character}cmd") == f"'{character}cmd"


@pytest.mark.parametrize("text", HIDDEN)
@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_no_cell_is_a_formula_for_a_spreadsheet_with_another_separator(
    text: str, delimiter: str
) -> None:
    lines = b"".join(FORMATS["csv"].write(["a", "b", "c"], [["1", text, "2"]])).decode("utf-8-sig")
    rows = csv.reader(lines.splitlines(), delimiter=delimiter)
    cells = [cell.lstrip() for row in rows for cell in row]
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@＝＋－＠")]


def test_a_smiley_is_exported_as_it_is() -> None:
    assert escape_formula("Thanks ;-) See you; bye") == "Thanks ;-) See you; bye"


@pytest.mark.django_db
@pytest.mark.parametrize("format_name", ["csv", "xlsx"])
def test_a_string_like_a_formula_survives_a_round_trip(
    admin: User, format_name: str, tmp_path: Any
) -> None:
    factories.WebchatFactory.create(user=admin, name="=HYPERLINK(1)")
    assert admin.organization
    content = export_content(admin.organization, format_name)
    if format_name == "csv":
        assert b",'=HYPERLINK(1)," in content
    else:
        assert b"<f>" not in content
    Webchat.objects.all().delete()
    import_content(content, admin, format_name=format_name)
    assert Webchat.objects.get().name == "=HYPERLINK(1)"
