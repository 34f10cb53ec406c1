"""The admin pages of knowledge entries."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from organizations.models import User
from tests.support import factories
from tests.support.clients import log_in
from webchats.conversations.models import KnowledgeEntry

pytestmark = pytest.mark.django_db

LIST = "/admin/conversations/knowledgeentry/"
ADD = f"{LIST}add/"
FORM = {
    "question": "How long does delivery take?",
    "also_asked_as": "When does it come?\r\n\r\n Where is my parcel? ",
    "answer": "Two days.",
    "link": "",
    "language": "en",
    "is_active": "on",
}


def _create(admin: User, **values: Any) -> KnowledgeEntry:
    entry: KnowledgeEntry = factories.KnowledgeEntryFactory.create(
        organization=admin.organization, **values
    )
    return entry


def test_an_entry_is_created_with_its_wordings_and_prompts(
    session_client: Client, admin: User
) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    response = session_client.post(ADD, {**FORM, "prompts": [prompt.pk]})
    assert response.status_code == 302
    entry = KnowledgeEntry.objects.get()
    assert entry.organization_id == admin.organization_id
    assert entry.also_asked_as == ["When does it come?", "Where is my parcel?"]
    assert list(entry.prompts.all()) == [prompt]
    page = session_client.get(f"{LIST}{entry.pk}/change/").content.decode()
    assert "When does it come?\nWhere is my parcel?" in page


def test_an_error_of_a_wording_quotes_it(session_client: Client) -> None:
    response = session_client.post(ADD, {**FORM, "also_asked_as": f"Short\n{'a' * 301}"})
    (error,) = response.context["adminform"].errors["also_asked_as"]
    assert error.startswith("“aaa")


def test_prompts_of_other_organizations_cannot_be_chosen(
    session_client: Client, admin: User, superuser: User
) -> None:
    theirs = factories.PromptFactory.create(name="Foreign-row")
    assert b"Foreign-row" not in session_client.get(ADD).content
    response = session_client.post(ADD, {**FORM, "prompts": [theirs.pk]})
    assert "prompts" in response.context["adminform"].errors
    body = {**FORM, "prompts": [theirs.pk], "organization": admin.organization_id}
    response = log_in(superuser).post(ADD, body)
    assert response.context["adminform"].errors["prompts"] == ["This prompt does not exist."]
    assert not KnowledgeEntry.objects.exists()


def test_the_list_is_searched_and_filtered(session_client: Client, admin: User) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization, name="Shop")
    _create(admin, question="Opening hours", also_asked_as=["When are you open?"])
    _create(admin, question="Delivery", is_active=False)
    _create(admin, question="Returns").prompts.add(prompt)

    def found(query: str) -> list[str]:
        response = session_client.get(f"{LIST}?{query}")
        return [entry.question for entry in response.context["cl"].result_list]

    assert found("") == ["Delivery", "Opening hours", "Returns"]
    assert found("q=are+you") == ["Opening hours"]
    assert found("is_active__exact=1") == ["Opening hours", "Returns"]
    assert found(f"prompts__id__exact={prompt.pk}") == ["Returns"]
    page = session_client.get(LIST).content.decode()
    assert f'<a href="/admin/organizations/prompt/{prompt.pk}/change/">Shop</a>' in page
    assert "Every prompt" in page


def test_a_change_over_another_users_change_is_refused(session_client: Client, admin: User) -> None:
    entry = _create(admin)
    url = f"{LIST}{entry.pk}/change/"
    version = entry.row_version
    entry.answer = "Changed elsewhere"
    entry.save()
    response = session_client.post(url, {**FORM, "version": version})
    assert response.status_code == 200
    entry.refresh_from_db()
    assert entry.answer == "Changed elsewhere"


def test_a_sales_rep_reads_entries(client: Client, admin: User) -> None:
    entry = _create(admin, also_asked_as=["When?"])
    rep = factories.UserFactory.create(organization=admin.organization, access_role="SALES_REP")
    client.force_login(rep)
    assert client.get(f"{LIST}{entry.pk}/change/").status_code == 200
    assert client.post(ADD, FORM).status_code == 403


def test_the_page_that_deletes_a_prompt_does_not_list_its_links_to_entries(
    session_client: Client, admin: User
) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    _create(admin).prompts.add(prompt)
    response = session_client.get(f"/admin/organizations/prompt/{prompt.pk}/delete/")
    assert b"relationship" not in response.content


def test_a_file_is_checked_and_imported_after_confirmation(
    session_client: Client, admin: User
) -> None:
    entry = _create(admin, question="Old")
    content = b"question,answer\nOld,Changed\nNew,Added\n"
    file = SimpleUploadedFile("in.csv", content)
    response = session_client.post(f"{LIST}import/", {"file": file, "update": "on"})
    report = response.context["report"]
    assert (report.created, report.updated) == (1, 1)
    body = {"pending": response.context["pending"].pk}
    # It is not a file of webchats.
    session_client.post("/admin/webchats/webchat/import/confirm/", body)
    assert KnowledgeEntry.objects.count() == 1
    session_client.post(f"{LIST}import/confirm/", body)
    entry.refresh_from_db()
    assert (entry.answer, KnowledgeEntry.objects.count()) == ("Changed", 2)


@pytest.mark.parametrize("format_name", ["csv", "xlsx", "json", "ndjson"])
def test_the_sample_and_the_export_can_be_imported(
    session_client: Client, admin: User, format_name: str
) -> None:
    entry = _create(admin, also_asked_as=["a", "b"])
    action = {"action": f"export_{format_name}", "_selected_action": [entry.pk]}

    def check(response: Any) -> tuple[int, int, int]:
        """Return the numbers of created, unchanged and invalid rows."""
        content = b"".join(response.streaming_content)
        file = SimpleUploadedFile(f"in.{format_name}", content)
        page = session_client.post(f"{LIST}import/", {"file": file, "update": "on"})
        report = page.context["report"]
        return report.created, report.unchanged, report.rejected

    assert check(session_client.get(f"{LIST}import/sample.{format_name}")) == (1, 0, 0)
    assert check(session_client.post(LIST, action)) == (0, 1, 0)


def test_a_sales_rep_cannot_import(client: Client, admin: User) -> None:
    rep = factories.UserFactory.create(organization=admin.organization, access_role="SALES_REP")
    client.force_login(rep)
    assert client.get(f"{LIST}import/").status_code == 403
    assert b"import/" not in client.get(LIST).content
