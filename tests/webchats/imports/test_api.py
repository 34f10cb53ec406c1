"""Import and export by the API."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from organizations.models import User
from tests.support import factories
from tests.webchats.admin.pages import LIST
from tests.webchats.imports.files import create_varied_webchats, export_content, to_csv
from webchats.imports import exporter
from webchats.models import Webchat
from webchats.models.imports import ImportRecord

IMPORT = "/api/webchats/import"
EXPORT = "/api/webchats/export"


def post(client: Any, content: str, query: str = "", name: str = "in.csv") -> Any:
    file = SimpleUploadedFile(name, content.encode())
    return client.post(f"{IMPORT}{query}", {"file": file}, format="multipart")


@pytest.fixture
def _prompt(admin: User) -> None:
    factories.PromptFactory.create(organization=admin.organization, name="Sales")


@pytest.mark.usefixtures("_prompt")
class TestImport:
    def test_a_valid_file_is_imported(self, api: Any, admin: User) -> None:
        response = post(api(admin), to_csv({}, {}))
        assert response.status_code == 200, response.json()
        assert response.json()["data"]["created"] == 2
        assert response.json()["message"].startswith("Imported: 2 created")
        assert {row.user_id for row in Webchat.objects.all()} == {admin.pk}
        assert ImportRecord.objects.get().user_id == admin.pk

    def test_a_dry_run_returns_the_report_and_writes_nothing(self, api: Any, admin: User) -> None:
        response = post(api(admin), to_csv({}, {"name": ""}), "?dryRun=true")
        assert response.status_code == 200
        assert response.json()["data"] == {
            "status": "refused",
            "created": 0,
            "updated": 0,
            "unchanged": 0,
            "rejected": 1,
            "problemCount": 1,
            "problems": [{"line": 3, "field": "name", "message": "This field is required."}],
        }
        assert not Webchat.objects.exists()

    def test_an_invalid_file_returns_400_with_the_problems(self, api: Any, admin: User) -> None:
        response = post(api(admin), to_csv({}, {"name": ""}))
        assert response.status_code == 400
        body = response.json()
        assert body["code"] == "import_refused"
        assert body["details"][0]["field"] == "name"
        assert body["details"][0]["line"] == 3
        assert body["data"]["rejected"] == 1
        assert not Webchat.objects.exists()

    def test_options_are_query_parameters(self, api: Any, admin: User) -> None:
        content = to_csv({}, {"name": ""})
        assert post(api(admin), content, "?skipInvalid=true").status_code == 200
        response = post(api(admin), content, "?skipInvalid=true&update=true&format=csv", "in")
        assert response.json()["data"]["unchanged"] == 1
        assert Webchat.objects.count() == 1

    @pytest.mark.parametrize(
        "query", ["?dryRun=maybe", "?update=1", "?skipInvalid=yes", "?format=pdf", "?dryRun=%00"]
    )
    def test_an_invalid_option_returns_400(self, api: Any, admin: User, query: str) -> None:
        response = post(api(admin), to_csv({}), query)
        assert response.status_code == 400
        assert response.json()["code"] == "validation_error"
        (detail,) = response.json()["details"]
        choices = "one of: csv, json, ndjson, xlsx" if "format" in query else "true or false"
        assert detail["message"] == f"Must be {choices}."

    def test_a_file_of_a_known_format_is_required(self, api: Any, admin: User) -> None:
        client = api(admin)
        assert client.post(IMPORT, {}, format="multipart").status_code == 400
        assert client.post(IMPORT, {"file": "text"}, format="multipart").status_code == 400
        assert client.post(IMPORT, {}).status_code == 415
        body = {"files": SimpleUploadedFile("in.csv", b"name")}
        (detail,) = client.post(IMPORT, body, format="multipart").json()["details"]
        assert detail["message"].endswith('You sent "files": the name is "file".')
        assert post(client, to_csv({}), name="in.pdf").json()["details"][0]["field"] == "format"

    def test_a_sales_rep_and_an_anonymous_caller_cannot_import(self, api: Any, rep: User) -> None:
        assert post(api(rep), to_csv({})).status_code == 403
        assert post(api(None), to_csv({})).status_code == 401
        assert not ImportRecord.objects.exists()

    def test_a_superuser_must_choose_the_organization(
        self, api: Any, superuser: User, admin: User
    ) -> None:
        assert post(api(superuser), to_csv({})).status_code == 400
        assert post(api(superuser), to_csv({}), f"?organizationId={'a' * 24}").status_code == 400
        response = post(api(superuser), to_csv({}), f"?organizationId={admin.organization_id}")
        assert response.status_code == 200, response.json()
        assert Webchat.objects.get().organization_id == admin.organization_id

    def test_a_member_cannot_import_into_another_organization(
        self, api: Any, admin: User, other_admin: User
    ) -> None:
        post(api(admin), to_csv({}), f"?organizationId={other_admin.organization_id}")
        assert Webchat.objects.get().organization_id == admin.organization_id


@pytest.mark.django_db
@pytest.mark.parametrize("format_name", ["csv", "json", "ndjson", "xlsx"])
def test_an_export_is_streamed_as_a_download(
    api: Any, rep: User, admin: User, format_name: str
) -> None:
    create_varied_webchats(admin, 30)
    response = api(rep).get(f"{EXPORT}?format={format_name}&ordering=createdAt", HTTP_ACCEPT="x/y")
    assert response.status_code == 200
    assert response.streaming
    assert response["Content-Disposition"] == f'attachment; filename="webchats.{format_name}"'
    assert admin.organization
    assert response.getvalue() == export_content(admin.organization, format_name)


@pytest.mark.django_db
def test_a_workbook_that_is_too_large_is_refused(
    api: Any, admin: User, session_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would fill the temporary files of the process."""
    monkeypatch.setattr(exporter, "MAX_WORKBOOK_BYTES", 4_000)
    small, *_ = factories.WebchatFactory.create_batch(3, user=admin)
    message = "The workbook would be larger than 0 MiB. Filter the webchats, or export CSV."
    response = api(admin).get(f"{EXPORT}?format=xlsx")
    assert response.json()["details"] == [
        {"field": "format", "code": "invalid", "message": message}
    ]
    body = {"action": "export_xlsx", "_selected_action": [small.pk], "select_across": "1"}
    assert message in session_client.post(LIST, body, follow=True).content.decode()
    # Neither counts as a running export.
    assert api(admin).get(f"{EXPORT}?format=csv").getvalue()
    Webchat.objects.exclude(pk=small.pk).delete()
    assert api(admin).get(f"{EXPORT}?format=xlsx").getvalue()


@pytest.mark.django_db
def test_an_export_applies_the_filters_of_the_list_to_the_organizations_webchats(
    api: Any, admin: User, other_admin: User
) -> None:
    factories.WebchatFactory.create(user=admin, name="On")
    factories.WebchatFactory.create(user=admin, name="Off", is_enabled=False)
    factories.WebchatFactory.create(user=other_admin, name="Theirs")

    def names(user: User, query: str) -> list[str]:
        body = api(user).get(f"{EXPORT}?format=json{query}").getvalue()
        return [document["name"] for document in json.loads(body)]

    assert names(admin, "") == ["Off", "On"]
    assert names(admin, "&ordering=name") == ["Off", "On"]
    assert names(admin, "&isEnabled=true") == ["On"]
    assert names(admin, "&search=of") == ["Off"]
    assert names(other_admin, "") == ["Theirs"]


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["format=pdf", "isEnabled=maybe", "ordering=x", "promptId=1"])
def test_an_invalid_parameter_of_an_export_returns_400(api: Any, admin: User, query: str) -> None:
    response = api(admin).get(f"{EXPORT}?{query}", HTTP_ACCEPT="text/csv")
    assert response.status_code == 400
    assert response.json()["code"] == "validation_error"
    assert api(None).get(EXPORT).status_code == 401
