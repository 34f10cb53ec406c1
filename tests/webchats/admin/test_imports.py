"""Import and export on the staff's site."""

import csv
import hashlib
import io
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from organizations.models import Prompt, User
from tests.support import factories
from tests.support.clients import log_in
from tests.webchats.imports.files import csv_of
from webchats.models import Webchat
from webchats.models.imports import ImportRecord, PendingImport

pytestmark = pytest.mark.django_db

LIST = "/admin/webchats/webchat/"
IMPORT = f"{LIST}import/"
CONFIRM = f"{IMPORT}confirm/"
RECORDS = "/admin/webchats/importrecord/"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def _prompt(admin: User) -> None:
    factories.PromptFactory.create(organization=admin.organization, name="Sales")


def check(client: Client, content: str, name: str = "in.csv", **options: str) -> Any:
    """Send a file to be checked."""
    file = SimpleUploadedFile(name, content.encode())
    return client.post(IMPORT, {"file": file, **options})


def confirm(client: Client, response: Any) -> Any:
    """Press the button of the report."""
    return client.post(CONFIRM, {"pending": response.context["pending"].pk})


# --- The two steps ---


def test_a_checked_file_is_imported_once_it_is_confirmed(
    session_client: Client, admin: User
) -> None:
    content = csv_of({}, {})
    response = check(session_client, content)
    assert response.status_code == 200
    assert "Dry run, nothing was written. It would be: 2 created" in response.content.decode()
    assert not Webchat.objects.exists()
    done = session_client.post(CONFIRM, {"pending": response.context["pending"].pk}, follow=True)
    assert done.redirect_chain == [(LIST, 302)]
    assert "Imported: 2 created, 0 updated, 0 unchanged, 0 rejected." in done.content.decode()
    assert {row.user_id for row in Webchat.objects.all()} == {admin.pk}
    assert set(Webchat.history.values_list("history_type", "history_user_id")) == {("+", admin.pk)}
    digest = hashlib.sha256(content.encode()).hexdigest()
    records = ImportRecord.objects.order_by("created_at").values_list("status", "sha256")
    assert list(records) == [("checked", digest), ("completed", digest)]


@pytest.mark.parametrize(
    ("options", "would_be"),
    [
        ({}, None),
        ({"skip_invalid": "on"}, (2, 0, 0, 1)),
        ({"update": "on", "skip_invalid": "on"}, (0, 1, 1, 1)),
    ],
)
def test_what_is_written_is_what_was_reported(
    session_client: Client, admin: User, options: dict[str, str], would_be: tuple[int, ...] | None
) -> None:
    confirm(session_client, check(session_client, csv_of({"name": "same"}, {"name": "changed"})))
    before = Webchat.objects.count()
    changed = {"name": "changed", "allowedDomains": "other.example"}
    response = check(session_client, csv_of({"name": "same"}, changed, {"name": ""}), **options)
    report = response.context["report"]
    assert [(found.line, found.field) for found in report.problems] == [(4, "name")]
    if would_be is None:
        assert report.status == "refused"
        assert b"confirm" not in response.content
        assert not PendingImport.objects.exists()
        assert Webchat.objects.count() == before
        return
    assert (report.created, report.updated, report.unchanged, report.rejected) == would_be
    confirm(session_client, response)
    record = ImportRecord.objects.get(status="completed", rejected=1)
    assert (record.created, record.updated, record.unchanged, record.rejected) == would_be
    assert Webchat.objects.count() == before + would_be[0]


def test_a_refused_file_is_told_line_by_line_and_not_kept(session_client: Client) -> None:
    response = check(session_client, csv_of({"name": "", "offsetX": "900"}, more=("offsetX",)))
    page = response.content.decode()
    assert "<td>2</td><td>name</td><td>This field is required.</td>" in page
    assert "<td>2</td><td>offsetX</td>" in page
    assert confirm(session_client, response).headers["Location"] == IMPORT
    assert not PendingImport.objects.exists()
    assert not Webchat.objects.exists()


def test_a_file_that_changes_nothing_has_nothing_to_confirm(session_client: Client) -> None:
    confirm(session_client, check(session_client, csv_of({})))
    response = check(session_client, csv_of({}), update="on")
    assert "Nothing to import" in response.content.decode()
    assert not PendingImport.objects.exists()


def test_a_file_is_imported_once(session_client: Client) -> None:
    response = check(session_client, csv_of({}))
    confirm(session_client, response)
    again = session_client.post(CONFIRM, {"pending": response.context["pending"].pk}, follow=True)
    assert "Upload the file again." in again.content.decode()
    assert Webchat.objects.count() == 1


def test_what_changed_after_the_check_refuses_the_import(
    session_client: Client, admin: User
) -> None:
    response = check(session_client, csv_of({}))
    Prompt.objects.filter(organization=admin.organization).update(is_active=False)
    refused = confirm(session_client, response)
    assert refused.status_code == 200
    assert [found.field for found in refused.context["report"].problems] == ["prompt"]
    assert b"confirm" not in refused.content
    assert not Webchat.objects.exists()


# --- The file that waits ---


def test_a_file_waits_for_its_sender_alone(
    session_client: Client, admin: User, other_admin: User, superuser: User
) -> None:
    response = check(session_client, csv_of({}))
    colleague = factories.UserFactory.create(organization=admin.organization)
    for other in (other_admin, colleague, superuser):
        assert confirm(log_in(other), response).headers["Location"] == IMPORT
    assert not Webchat.objects.exists()
    assert confirm(session_client, response).headers["Location"] == LIST


def test_the_next_file_replaces_the_one_that_waits(session_client: Client) -> None:
    first = check(session_client, csv_of({"name": "first"}))
    second = check(session_client, csv_of({"name": "second"}))
    assert PendingImport.objects.count() == 1
    assert confirm(session_client, first).headers["Location"] == IMPORT
    confirm(session_client, second)
    assert Webchat.objects.get().name == "second"


def test_no_file_waits_longer_than_an_hour(session_client: Client, other_admin: User) -> None:
    response = check(session_client, csv_of({}))
    almost = timezone.now() - timedelta(minutes=59)
    PendingImport.objects.update(created_at=almost)
    log_in(other_admin).get(IMPORT)
    assert PendingImport.objects.exists()
    PendingImport.objects.update(created_at=almost - timedelta(minutes=1))
    assert confirm(session_client, response).headers["Location"] == IMPORT
    assert not Webchat.objects.exists()
    check(session_client, csv_of({}))
    PendingImport.objects.update(created_at=almost - timedelta(minutes=1))
    log_in(other_admin).get(IMPORT)
    assert not PendingImport.objects.exists()


def test_the_daily_sweep_clears_what_has_waited_too_long(session_client: Client) -> None:
    check(session_client, csv_of({}))
    call_command("sweep_icons", verbosity=0)
    assert PendingImport.objects.exists()
    PendingImport.objects.update(created_at=timezone.now() - timedelta(hours=1))
    call_command("sweep_icons", "--dry-run", verbosity=0)
    assert PendingImport.objects.exists()
    call_command("sweep_icons", verbosity=0)
    assert not PendingImport.objects.exists()


@pytest.mark.parametrize("token", ["", "x", "0" * 24, "é" * 300, "a\0"])
def test_a_made_up_token_finds_nothing(session_client: Client, token: str) -> None:
    check(session_client, csv_of({}))
    response = session_client.post(CONFIRM, {"pending": token})
    assert response.status_code in (302, 400)
    assert not Webchat.objects.exists()


def test_nothing_of_a_file_is_in_a_cookie(session_client: Client) -> None:
    response = check(session_client, csv_of({"name": "Very secret"}))
    confirm(session_client, response)
    assert not any("secret" in str(morsel.value) for morsel in session_client.cookies.values())


# --- The form ---


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("in.pdf", "x", "must end in one of .csv"),
        ("in", "x", "must end in one of .csv"),
        ("in.csv", "", "The submitted file is empty."),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_the_form(
    session_client: Client, name: str, content: str, message: str
) -> None:
    assert message in check(session_client, content, name).content.decode()
    assert not ImportRecord.objects.exists()


def test_a_file_has_to_be_sent(session_client: Client) -> None:
    assert session_client.post(IMPORT, {}).context["form"].errors.keys() == {"file"}
    assert session_client.post(IMPORT, {"file": "text"}).context["form"].errors.keys() == {"file"}
    assert session_client.get(CONFIRM).status_code == 405


def test_a_file_above_the_limit_is_refused_unread(
    session_client: Client, settings: Settings
) -> None:
    settings.MAX_UPLOAD_BYTES = 3_000
    assert "at most 2.9" in session_client.get(IMPORT).content.decode()
    assert check(session_client, csv_of(*[{}] * 200)).status_code == 413
    assert not ImportRecord.objects.exists()


@pytest.mark.parametrize("name", ["in.csv", "in.json", "in.ndjson", "in.xlsx", "in.tsv"])
@pytest.mark.parametrize("content", ["\0", "PK\x03\x04", "[[[", '{"name": 1', ",\n\n\n", "a\n"])
def test_a_file_of_rubbish_is_refused_with_a_report(
    session_client: Client, name: str, content: str
) -> None:
    response = check(session_client, content, name)
    assert response.status_code == 200
    assert response.context["report"].status in ("refused", "checked")
    assert not PendingImport.objects.exists()


# --- Hostile files ---


def test_names_and_cells_are_shown_as_they_are(session_client: Client) -> None:
    content = csv_of({"position": HOSTILE, "promptId": HOSTILE}, more=("position", "promptId"))
    response = check(session_client, content + f"{HOSTILE}\r\n", f"{HOSTILE}.csv".replace("/", ""))
    page = response.content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    unknown = check(session_client, csv_of({}, more=(HOSTILE,))).content.decode()
    assert "<script>alert" not in unknown
    assert "&lt;script&gt;alert(1)" in unknown
    records = session_client.get(RECORDS).content.decode()
    assert "<script>alert" not in records
    assert "&lt;script&gt;alert" in records


def test_the_pages_bring_no_script_or_style_of_their_own(session_client: Client) -> None:
    refused = check(session_client, csv_of({"name": ""}))
    for response in (session_client.get(IMPORT), check(session_client, csv_of({})), refused):
        page = response.content.decode()
        assert not re.search(r"<style|\sstyle=|\son\w+=", page)
        assert not re.search(r"<script(?![^>]* src=)", page)
        assert "unsafe-inline" not in response.headers["Content-Security-Policy"]


def test_a_form_from_elsewhere_is_refused(admin: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin)
    assert check(client, csv_of({})).status_code == 403
    assert client.post(CONFIRM, {"pending": "0" * 24}).status_code == 403


# --- Who may ---


def test_who_may_only_read_cannot_import_but_export(rep: User) -> None:
    client = log_in(rep)
    factories.WebchatFactory.create(user=rep, name="Read")
    assert IMPORT not in client.get(LIST).content.decode()
    assert client.get(IMPORT).status_code == 403
    assert check(client, csv_of({})).status_code == 403
    assert client.post(CONFIRM, {"pending": "0" * 24}).status_code == 403
    assert not ImportRecord.objects.exists()
    assert _exported(client, "json") == ["Read"]


def test_who_was_demoted_since_the_check_cannot_confirm(
    session_client: Client, admin: User
) -> None:
    response = check(session_client, csv_of({}))
    User.objects.filter(pk=admin.pk).update(access_role="SALES_REP")
    assert confirm(session_client, response).status_code == 403
    assert not Webchat.objects.exists()


def test_nobody_imports_without_signing_in(admin: User) -> None:
    for response in (Client().get(IMPORT), check(Client(), csv_of({})), Client().post(CONFIRM)):
        assert response.headers["Location"].startswith("/admin/login/")
    assert not ImportRecord.objects.exists()


def test_the_list_leads_to_the_import(session_client: Client) -> None:
    assert f'href="{IMPORT}"' in session_client.get(LIST).content.decode()


def test_a_member_imports_into_the_own_organization(
    session_client: Client, admin: User, other_admin: User
) -> None:
    assert "organization" not in session_client.get(IMPORT).context["form"].fields
    confirm(
        session_client,
        check(session_client, csv_of({}), organization=str(other_admin.organization_id)),
    )
    assert Webchat.objects.get().organization_id == admin.organization_id


def test_a_superuser_chooses_the_organization(admin: User, superuser: User) -> None:
    client = log_in(superuser)
    assert check(client, csv_of({})).context["form"].errors.keys() == {"organization"}
    assert check(client, csv_of({}), organization="0" * 24).context["form"].errors
    confirm(client, check(client, csv_of({}), organization=str(admin.organization_id)))
    assert Webchat.objects.get().organization_id == admin.organization_id


def test_another_organizations_prompt_is_told_like_none(
    session_client: Client, other_admin: User
) -> None:
    prompt = factories.PromptFactory.create(organization=other_admin.organization, name="Theirs")
    content = csv_of({"prompt": "", "promptId": prompt.pk}, more=("promptId",))
    theirs = check(session_client, content).context["report"].problems
    none = check(session_client, content.replace(prompt.pk, "0" * 24)).context["report"].problems
    assert [found.reason.replace(prompt.pk, "") for found in theirs] == [
        found.reason.replace("0" * 24, "") for found in none
    ]
    assert theirs


# --- Export ---


def _export(client: Client, format_name: str, pks: list[str] | None = None, **more: Any) -> Any:
    chosen = list(Webchat.objects.values_list("pk", flat=True)) if pks is None else pks
    body = {"action": f"export_{format_name}", "_selected_action": chosen, **more}
    return client.post(LIST, body)


def _exported(client: Client, format_name: str, *arguments: Any, **more: Any) -> list[str]:
    content = _export(client, format_name, *arguments, **more).getvalue().decode()
    if format_name == "csv":
        return [row["name"] for row in csv.DictReader(io.StringIO(content.lstrip("\ufeff")))]
    return [row["name"] for row in json.loads(content)]


@pytest.mark.parametrize("format_name", ["csv", "json", "ndjson", "xlsx"])
def test_the_selection_is_a_download_that_imports_again(
    session_client: Client, admin: User, format_name: str
) -> None:
    factories.WebchatFactory.create_batch(3, user=admin)
    response = _export(session_client, format_name)
    assert response.streaming
    assert (
        response.headers["Content-Disposition"] == f'attachment; filename="webchats.{format_name}"'
    )
    file = SimpleUploadedFile(f"webchats.{format_name}", response.getvalue())
    report = session_client.post(IMPORT, {"file": file, "update": "on"}).context["report"]
    assert (report.status, report.unchanged) == ("checked", 3)


@pytest.mark.parametrize("format_name", ["csv", "json"])
def test_only_what_is_selected_and_ones_own_is_exported(
    session_client: Client, admin: User, other_admin: User, format_name: str
) -> None:
    ours = factories.WebchatFactory.create(user=admin, name="Ours")
    factories.WebchatFactory.create(user=admin, name="Not chosen")
    theirs = factories.WebchatFactory.create(user=other_admin, name="Theirs")
    assert _exported(session_client, format_name, [ours.pk, theirs.pk]) == ["Ours"]
    every = _exported(session_client, format_name, [theirs.pk], select_across="1")
    assert every == ["Not chosen", "Ours"]


def test_every_match_of_the_lists_search_can_be_exported(
    session_client: Client, admin: User
) -> None:
    for number in range(60):
        factories.WebchatFactory.create(user=admin, name=f"Shop {number}")
    other = factories.WebchatFactory.create(user=admin, name="Other")
    body = {"action": "export_json", "_selected_action": [other.pk], "select_across": "1"}
    rows = json.loads(session_client.post(f"{LIST}?q=shop", body).getvalue())
    assert len(rows) == 60


# --- The record ---


def test_an_import_is_read_and_not_changed(session_client: Client, admin: User) -> None:
    check(session_client, csv_of({}), "spring.csv")
    record = ImportRecord.objects.get()
    assert "spring.csv" in session_client.get(RECORDS).content.decode()
    address = reverse("admin:webchats_importrecord_change", args=[record.pk])
    page = session_client.get(address).content.decode()
    assert record.sha256 in page
    assert str(admin) in page
    assert "_save" not in page
    assert session_client.post(address, {"file_name": "other.csv"}).status_code == 403
    assert session_client.get(f"{RECORDS}add/").status_code == 403
    assert session_client.post(f"{RECORDS}{record.pk}/delete/", {"post": "yes"}).status_code == 403
    assert list(ImportRecord.objects.values_list("file_name", flat=True)) == ["spring.csv"]


def test_a_record_goes_with_its_organization(superuser: User) -> None:
    record = factories.ImportRecordFactory.create()
    User.objects.filter(pk=record.user_id).delete()
    address = reverse("admin:organizations_organization_delete", args=[record.organization_id])
    response = log_in(superuser).post(address, {"post": "yes"})
    assert response.status_code == 302
    assert not ImportRecord.objects.exists()
