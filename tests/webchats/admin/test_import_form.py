"""The form that uploads a file to import: validation, hostile files, permissions."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from organizations.models import User
from tests.support import factories
from tests.support.clients import log_in
from tests.webchats.admin.pages import CONFIRM, IMPORT, LIST, RECORDS, check_file, confirm
from tests.webchats.imports.files import to_csv
from webchats.models import Webchat
from webchats.models.imports import ImportRecord, PendingImport

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sales_prompt")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("in.pdf", "x", "must end in one of .csv"),
        ("in", "x", "must end in one of .csv"),
        ("in.csv", "", "The submitted file is empty."),
    ],
)
def test_an_unsupported_or_empty_file_is_a_form_error(
    session_client: Client, name: str, content: str, message: str
) -> None:
    assert message in check_file(session_client, content, name).content.decode()
    assert not ImportRecord.objects.exists()


def test_the_file_is_required(session_client: Client) -> None:
    assert session_client.post(IMPORT, {}).context["form"].errors.keys() == {"file"}
    assert session_client.post(IMPORT, {"file": "text"}).context["form"].errors.keys() == {"file"}


def test_sign_in_during_the_confirmation_leads_to_the_form(session_client: Client) -> None:
    """The sign-in page leads to the confirmation's URL with GET."""
    response = session_client.get(CONFIRM, follow=True)
    assert response.redirect_chain == [(IMPORT, 302)]
    assert "Nothing was changed, because you were signed out." in response.content.decode()


def test_a_file_above_the_limit_is_rejected_before_it_is_read(
    session_client: Client, settings: Settings
) -> None:
    settings.MAX_UPLOAD_BYTES = 3_000
    assert "at most 2.9" in session_client.get(IMPORT).content.decode()
    response = check_file(session_client, to_csv(*[{}] * 200))
    assert response.status_code == 413
    assert "larger than 2.9\xa0KB. Go back and select a smaller file." in response.content.decode()
    assert not ImportRecord.objects.exists()


@pytest.mark.parametrize("name", ["in.csv", "in.json", "in.ndjson", "in.xlsx", "in.tsv"])
@pytest.mark.parametrize("content", ["\0", "PK\x03\x04", "[[[", '{"name": 1', ",\n\n\n", "a\n"])
def test_a_malformed_file_is_reported_and_not_stored(
    session_client: Client, name: str, content: str
) -> None:
    response = check_file(session_client, content, name)
    assert response.status_code == 200
    assert response.context["report"].status in ("refused", "checked")
    assert not PendingImport.objects.exists()


@pytest.mark.parametrize("format_name", ["csv", "xlsx"])
def test_a_sample_file_can_be_imported(session_client: Client, rep: User, format_name: str) -> None:
    url = f"{IMPORT}sample.{format_name}"
    assert f'href="{url}"' in session_client.get(IMPORT).content.decode()
    sample = session_client.get(url)
    assert sample["Content-Disposition"] == f'attachment; filename="webchats.{format_name}"'
    file = SimpleUploadedFile(f"webchats.{format_name}", sample.getvalue())
    report = session_client.post(IMPORT, {"file": file}).context["report"]
    assert (report.problems, report.created) == ([], 1)
    assert session_client.get(f"{IMPORT}sample.pdf").status_code == 404
    assert log_in(rep).get(url).status_code == 403


# --- Hostile files ---


HTML = "<script>alert(1)</script>"


def test_file_names_and_cells_are_escaped(session_client: Client) -> None:
    content = to_csv({"position": HTML, "promptId": HTML}, more=("position", "promptId"))
    response = check_file(session_client, content + f"{HTML}\r\n", f"{HTML}.csv".replace("/", ""))
    page = response.content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    unknown = check_file(session_client, to_csv({}, more=(HTML,))).content.decode()
    assert "<script>alert" not in unknown
    assert "&lt;script&gt;alert(1)" in unknown
    records = session_client.get(RECORDS).content.decode()
    assert "<script>alert" not in records
    assert "&lt;script&gt;alert" in records


def test_the_pages_have_no_inline_script_or_style(session_client: Client) -> None:
    refused = check_file(session_client, to_csv({"name": ""}))
    for response in (session_client.get(IMPORT), check_file(session_client, to_csv({})), refused):
        page = response.content.decode()
        assert not re.search(r"<style|\sstyle=|\son\w+=", page)
        assert not re.search(r"<script(?![^>]* src=)", page)
        assert "unsafe-inline" not in response.headers["Content-Security-Policy"]


def test_a_csrf_token_is_required(admin: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin)
    assert check_file(client, to_csv({})).status_code == 403
    assert client.post(CONFIRM, {"pending": "0" * 24}).status_code == 403


# --- Permissions ---


def test_a_sales_rep_cannot_import(rep: User) -> None:
    client = log_in(rep)
    assert IMPORT not in client.get(LIST).content.decode()
    assert client.get(IMPORT).status_code == 403
    assert check_file(client, to_csv({})).status_code == 403
    assert client.post(CONFIRM, {"pending": "0" * 24}).status_code == 403
    assert not ImportRecord.objects.exists()


def test_a_user_who_lost_the_permission_cannot_confirm(session_client: Client, admin: User) -> None:
    response = check_file(session_client, to_csv({}))
    User.objects.filter(pk=admin.pk).update(access_role="SALES_REP")
    assert confirm(session_client, response).status_code == 403
    assert not Webchat.objects.exists()


def test_an_import_requires_a_session(admin: User) -> None:
    for response in (
        Client().get(IMPORT),
        check_file(Client(), to_csv({})),
        Client().post(CONFIRM),
    ):
        assert response.headers["Location"].startswith("/admin/login/")
    assert not ImportRecord.objects.exists()


def test_the_list_links_to_the_import(session_client: Client) -> None:
    assert f'href="{IMPORT}"' in session_client.get(LIST).content.decode()


def test_a_member_imports_into_their_organization(
    session_client: Client, admin: User, other_admin: User
) -> None:
    assert "organization" not in session_client.get(IMPORT).context["form"].fields
    other = str(other_admin.organization_id)
    confirm(session_client, check_file(session_client, to_csv({}), organization=other))
    assert Webchat.objects.get().organization_id == admin.organization_id


def test_a_superuser_must_choose_the_organization(admin: User, superuser: User) -> None:
    client = log_in(superuser)
    assert check_file(client, to_csv({})).context["form"].errors.keys() == {"organization"}
    assert check_file(client, to_csv({}), organization="0" * 24).context["form"].errors
    confirm(client, check_file(client, to_csv({}), organization=str(admin.organization_id)))
    assert Webchat.objects.get().organization_id == admin.organization_id


def test_a_prompt_of_another_organization_has_the_error_of_an_unknown_one(
    session_client: Client, other_admin: User
) -> None:
    prompt = factories.PromptFactory.create(organization=other_admin.organization, name="Theirs")
    content = to_csv({"prompt": "", "promptId": prompt.pk}, more=("promptId",))
    theirs = check_file(session_client, content).context["report"].problems
    unknown_id = "0" * 24
    response = check_file(session_client, content.replace(prompt.pk, unknown_id))
    unknown = response.context["report"].problems
    assert [problem.reason.replace(prompt.pk, "") for problem in theirs] == [
        problem.reason.replace(unknown_id, "") for problem in unknown
    ]
    assert theirs
