"""Import in the admin site: the report of a file, and its confirmation."""

import hashlib
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from organizations.models import Prompt, User
from tests.support import factories
from tests.support.clients import log_in
from tests.webchats.admin.pages import CONFIRM, IMPORT, LIST, check_file, confirm, import_as_updates
from tests.webchats.imports.files import export_content, to_csv
from webchats.models import Webchat
from webchats.models.imports import ImportRecord, PendingImport

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sales_prompt")]


def test_a_file_is_imported_when_its_report_is_confirmed(
    session_client: Client, admin: User
) -> None:
    content = to_csv({}, {})
    response = check_file(session_client, content)
    assert response.status_code == 200
    page = response.content.decode()
    assert "Dry run, nothing was imported: 2 to create" in page
    assert "<strong>2</strong> to create" in page
    assert "<strong>0</strong> to update" in page
    assert not Webchat.objects.exists()
    done = session_client.post(CONFIRM, {"pending": response.context["pending"].pk}, follow=True)
    assert done.redirect_chain == [(LIST, 302)]
    assert "Imported: 2 created, 0 updated, 0 unchanged, 0 invalid." in done.content.decode()
    assert {row.user_id for row in Webchat.objects.all()} == {admin.pk}
    assert set(Webchat.history.values_list("history_type", "history_user_id")) == {("+", admin.pk)}
    digest = hashlib.sha256(content.encode()).hexdigest()
    records = ImportRecord.objects.order_by("created_at").values_list("status", "sha256")
    assert list(records) == [("checked", digest), ("completed", digest)]


@pytest.fixture
def update_file(session_client: Client) -> str:
    """Import the webchats "same" and "changed"; return a file that updates one of them.

    Its rows: one unchanged, one with other domains, one invalid.
    """
    stored = to_csv({"name": "same"}, {"name": "changed"})
    confirm(session_client, check_file(session_client, stored))
    update = {"name": "changed", "allowedDomains": "other.example"}
    return to_csv({"name": "same"}, update, {"name": ""})


def test_an_invalid_row_stops_the_whole_import(session_client: Client, update_file: str) -> None:
    response = check_file(session_client, update_file)
    report = response.context["report"]
    assert [(problem.line, problem.field) for problem in report.problems] == [(4, "name")]
    assert (report.status, report.created, report.rejected) == ("refused", 0, 1)
    assert "Nothing was imported. 1 of 3 rows has errors." in response.content.decode()
    assert b"confirm" not in response.content
    record = ImportRecord.objects.get(status="refused")
    assert (record.created, record.updated, record.rejected) == (0, 0, 1)
    assert not PendingImport.objects.exists()
    assert Webchat.objects.count() == 2


@pytest.mark.parametrize(
    ("options", "counts"),
    [
        ({"skip_invalid": "on"}, (2, 0, 0, 1)),
        ({"update": "on", "skip_invalid": "on"}, (0, 1, 1, 1)),
    ],
)
def test_the_import_has_the_result_of_the_dry_run(
    session_client: Client, update_file: str, options: dict[str, str], counts: tuple[int, ...]
) -> None:
    response = check_file(session_client, update_file, **options)
    report = response.context["report"]
    assert [(problem.line, problem.field) for problem in report.problems] == [(4, "name")]
    assert (report.created, report.updated, report.unchanged, report.rejected) == counts
    confirm(session_client, response)
    record = ImportRecord.objects.get(status="completed", rejected=1)
    assert (record.created, record.updated, record.unchanged, record.rejected) == counts
    assert Webchat.objects.count() == 2 + counts[0]


def test_the_report_lists_errors_by_line_and_the_file_is_not_stored(session_client: Client) -> None:
    response = check_file(session_client, to_csv({"name": "", "offsetX": "900"}, more=("offsetX",)))
    page = response.content.decode()
    assert "<td>2</td><td>name</td><td>This field is required.</td>" in page
    assert "<td>2</td><td>offsetX</td>" in page
    assert confirm(session_client, response).headers["Location"] == IMPORT
    assert not PendingImport.objects.exists()
    assert not Webchat.objects.exists()


def test_a_file_without_changes_cannot_be_confirmed(session_client: Client) -> None:
    confirm(session_client, check_file(session_client, to_csv({})))
    response = check_file(session_client, to_csv({}), update="on")
    assert "Nothing to import: all webchats already match the file." in response.content.decode()
    assert not PendingImport.objects.exists()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "Nothing was imported. The file has no rows."),
        ([{"name": ""}], "Nothing to import: every row is invalid."),
        ([{}, {"name": ""}], "Nothing to import: all webchats already match the valid rows."),
    ],
)
def test_the_report_explains_why_nothing_can_be_imported(
    session_client: Client, rows: list[dict[str, str]], message: str
) -> None:
    confirm(session_client, check_file(session_client, to_csv({})))
    response = check_file(session_client, to_csv(*rows), update="on", skip_invalid="on")
    page = response.content.decode()
    assert message in page
    assert "match the file" not in page
    assert not PendingImport.objects.exists()


def test_a_file_is_imported_only_once(session_client: Client) -> None:
    response = check_file(session_client, to_csv({}))
    confirm(session_client, response)
    again = session_client.post(CONFIRM, {"pending": response.context["pending"].pk}, follow=True)
    assert "Upload the file again." in again.content.decode()
    assert Webchat.objects.count() == 1


def test_a_row_that_became_invalid_after_the_report_stops_the_import(
    session_client: Client, admin: User
) -> None:
    response = check_file(session_client, to_csv({}))
    Prompt.objects.filter(organization=admin.organization).update(is_active=False)
    refused = confirm(session_client, response)
    assert refused.status_code == 200
    assert [problem.field for problem in refused.context["report"].problems] == ["prompt"]
    assert b"confirm" not in refused.content
    assert not Webchat.objects.exists()


# --- Files with existing ids ---


@pytest.fixture
def exported(session_client: Client, admin: User) -> str:
    """An export of two webchats, one of them renamed and disabled in the file."""
    confirm(session_client, check_file(session_client, to_csv({"name": "A"}, {"name": "B"})))
    assert admin.organization
    content = export_content(admin.organization, "csv").decode()
    return content.replace(",B,", ",Renamed,").replace("true", "false")


def test_an_exported_file_is_refused_and_can_be_imported_as_updates(
    session_client: Client, exported: str
) -> None:
    refused = check_file(session_client, exported)
    assert refused.context["report"].status == "refused"
    page = refused.content.decode()
    assert "The file has webchats that already exist." in page
    # Nothing is wrong with it.
    assert [mark for mark in ("errornote", "<table") if mark in page] == []
    checked = import_as_updates(session_client, refused)
    report = checked.context["report"]
    assert (report.status, report.created, report.updated) == ("checked", 0, 2)
    assert "Import as updates" not in checked.content.decode()
    assert not Webchat.objects.filter(name="Renamed").exists()
    assert confirm(session_client, checked).headers["Location"] == LIST
    assert set(Webchat.objects.values_list("name", "is_enabled")) == {
        ("A", False),
        ("Renamed", False),
    }


def test_other_errors_of_an_exported_file_follow_the_offer(
    session_client: Client, exported: str
) -> None:
    page = check_file(session_client, exported.replace("false", "maybe")).content.decode()
    # The sticky row of buttons stays in view only if its form contains the errors.
    parts = ("import/confirm/", "already exist.", "errornote", "<table", '"Import as updates"')
    assert [*parts] == sorted(parts, key=page.index)
    assert "Must be true or false" in page
    assert "A webchat with this id" not in page


def test_an_error_of_many_rows_is_shown_once(session_client: Client) -> None:
    content = to_csv(*[{}] * 20).replace("prompt,", "promt,")
    page = check_file(session_client, content).content.decode()
    assert page.count("<tr><td>") == 2
    assert "<td>1</td><td>promt</td><td>Unknown column. Did you mean prompt?</td>" in page
    assert 'import/sample.csv"' in page
    assert "<td>2, 3, 4, 5, 6 and 15 more</td><td>promptId</td>" in page


def test_a_file_that_was_not_imported_for_its_columns_has_no_numbers_of_rows(
    session_client: Client,
) -> None:
    page = check_file(session_client, to_csv(more=("zzzz",))).content.decode()
    assert "<td>zzzz</td><td>Unknown column.</td>" in page
    assert "invalid</li>" not in page


def test_new_rows_of_a_file_with_existing_ids_can_be_imported_alone(
    session_client: Client, exported: str
) -> None:
    new = exported.splitlines()[1].replace(",A,", ",C,").split(",", 1)[1]
    response = check_file(session_client, f"{exported},{new}\r\n", skip_invalid="on")
    assert "Import as updates" in response.content.decode()
    confirm(session_client, response)
    assert set(Webchat.objects.values_list("name", flat=True)) == {"A", "B", "C"}


def test_a_refused_file_that_is_confirmed_is_refused_again(
    session_client: Client, exported: str
) -> None:
    refused = check_file(session_client, exported)
    assert confirm(session_client, refused).context["report"].status == "refused"
    assert not Webchat.objects.filter(name="Renamed").exists()


def test_only_the_user_who_uploaded_a_file_can_import_it_as_updates(
    session_client: Client, admin: User, other_admin: User, exported: str
) -> None:
    refused = check_file(session_client, exported)
    colleague = factories.UserFactory.create(organization=admin.organization)
    for other in (other_admin, colleague):
        assert import_as_updates(log_in(other), refused).headers["Location"] == IMPORT
    assert import_as_updates(session_client, refused).context["report"].updated == 2


def test_ids_of_another_organization_are_not_offered_as_updates(
    session_client: Client, other_admin: User
) -> None:
    theirs = factories.WebchatFactory.create(user=other_admin)
    pages = []
    for webchat_id in (theirs.pk, "0" * 24):
        response = check_file(session_client, to_csv({"_id": webchat_id}, more=("_id",)))
        assert "Import as updates" not in response.content.decode()
        pages.append([problem.reason for problem in response.context["report"].problems])
    assert pages[0] == pages[1] != []


def test_a_superuser_can_give_an_unused_id(admin: User, superuser: User) -> None:
    content = to_csv({"_id": "a" * 24}, more=("_id",))
    client = log_in(superuser)
    confirm(client, check_file(client, content, organization=str(admin.organization_id)))
    assert Webchat.objects.get().pk == "a" * 24


# --- The pending file ---


def test_only_the_user_who_uploaded_a_file_can_confirm_it(
    session_client: Client, admin: User, other_admin: User, superuser: User
) -> None:
    response = check_file(session_client, to_csv({}))
    colleague = factories.UserFactory.create(organization=admin.organization)
    for other in (other_admin, colleague, superuser):
        assert confirm(log_in(other), response).headers["Location"] == IMPORT
    assert not Webchat.objects.exists()
    assert confirm(session_client, response).headers["Location"] == LIST


def test_another_upload_replaces_the_pending_file(session_client: Client) -> None:
    first = check_file(session_client, to_csv({"name": "first"}))
    second = check_file(session_client, to_csv({"name": "second"}))
    assert PendingImport.objects.count() == 1
    assert confirm(session_client, first).headers["Location"] == IMPORT
    confirm(session_client, second)
    assert Webchat.objects.get().name == "second"


def test_a_pending_file_expires_after_an_hour(session_client: Client, other_admin: User) -> None:
    response = check_file(session_client, to_csv({}))
    almost_expired = timezone.now() - timedelta(minutes=59)
    PendingImport.objects.update(created_at=almost_expired)
    log_in(other_admin).get(IMPORT)
    assert PendingImport.objects.exists()
    PendingImport.objects.update(created_at=almost_expired - timedelta(minutes=1))
    assert confirm(session_client, response).headers["Location"] == IMPORT
    assert not Webchat.objects.exists()
    check_file(session_client, to_csv({}))
    PendingImport.objects.update(created_at=almost_expired - timedelta(minutes=1))
    log_in(other_admin).get(IMPORT)
    assert not PendingImport.objects.exists()


def test_the_sweep_deletes_expired_files(session_client: Client) -> None:
    check_file(session_client, to_csv({}))
    call_command("sweep_icons", verbosity=0)
    assert PendingImport.objects.exists()
    PendingImport.objects.update(created_at=timezone.now() - timedelta(hours=1))
    call_command("sweep_icons", "--dry-run", verbosity=0)
    assert PendingImport.objects.exists()
    call_command("sweep_icons", verbosity=0)
    assert not PendingImport.objects.exists()


@pytest.mark.parametrize("token", ["", "x", "0" * 24, "é" * 300, "a\0"])
def test_an_unknown_token_imports_nothing(session_client: Client, token: str) -> None:
    check_file(session_client, to_csv({}))
    response = session_client.post(CONFIRM, {"pending": token})
    assert response.status_code in (302, 400)
    assert not Webchat.objects.exists()


def test_the_file_is_not_stored_in_a_cookie(session_client: Client) -> None:
    response = check_file(session_client, to_csv({"name": "Very secret"}))
    confirm(session_client, response)
    assert not any("secret" in str(morsel.value) for morsel in session_client.cookies.values())
