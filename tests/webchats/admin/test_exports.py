"""Actions that export webchats to a file."""

import csv
import io
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from organizations.models import User
from tests.support import factories
from tests.support.clients import log_in
from tests.webchats.admin.pages import IMPORT, LIST, run_action

pytestmark = pytest.mark.django_db


def export(client: Client, format_name: str, ids: list[str], **more: str) -> Any:
    """Export the selected webchats and return the response."""
    body = {"action": f"export_{format_name}", "_selected_action": ids, **more}
    return client.post(LIST, body)


def names_in_export(client: Client, format_name: str, ids: list[str], **more: str) -> list[str]:
    """Export the selected webchats and return their names."""
    content = export(client, format_name, ids, **more).getvalue().decode()
    if format_name == "csv":
        return [row["name"] for row in csv.DictReader(io.StringIO(content.lstrip("\ufeff")))]
    return [row["name"] for row in json.loads(content)]


@pytest.mark.parametrize("format_name", ["csv", "xlsx", "json"])
def test_the_file_equals_the_export_of_the_api(
    session_client: Client, admin: User, rep: User, api: Any, format_name: str
) -> None:
    row = factories.WebchatFactory.create(user=admin, name="=1+1")
    download = f"/api/webchats/export?format={format_name}"
    expected = api(admin).get(download).getvalue()
    factories.WebchatFactory.create(user=admin)
    session_client.force_login(rep)
    response = run_action(session_client, f"export_{format_name}", row)
    assert response.getvalue() == expected
    disposition = f'attachment; filename="webchats.{format_name}"'
    assert response.headers["Content-Disposition"] == disposition


@pytest.mark.parametrize("format_name", ["csv", "json", "ndjson", "xlsx"])
def test_the_selected_webchats_can_be_imported_again(
    session_client: Client, admin: User, format_name: str
) -> None:
    webchats = factories.WebchatFactory.create_batch(3, user=admin)
    response = export(session_client, format_name, [webchat.pk for webchat in webchats])
    assert response.streaming
    disposition = f'attachment; filename="webchats.{format_name}"'
    assert response.headers["Content-Disposition"] == disposition
    file = SimpleUploadedFile(f"webchats.{format_name}", response.getvalue())
    report = session_client.post(IMPORT, {"file": file, "update": "on"}).context["report"]
    assert (report.status, report.unchanged) == ("checked", 3)


def test_a_sales_rep_can_export(rep: User) -> None:
    webchat = factories.WebchatFactory.create(user=rep, name="Read")
    assert names_in_export(log_in(rep), "json", [webchat.pk]) == ["Read"]


@pytest.mark.parametrize("format_name", ["csv", "json"])
def test_only_selected_webchats_of_the_organization_are_downloaded(
    session_client: Client, admin: User, other_admin: User, format_name: str
) -> None:
    ours = factories.WebchatFactory.create(user=admin, name="Ours")
    factories.WebchatFactory.create(user=admin, name="Not selected")
    theirs = factories.WebchatFactory.create(user=other_admin, name="Theirs")
    assert names_in_export(session_client, format_name, [ours.pk, theirs.pk]) == ["Ours"]
    everything = names_in_export(session_client, format_name, [theirs.pk], select_across="1")
    assert everything == ["Not selected", "Ours"]


def test_all_matches_of_a_search_can_be_downloaded(session_client: Client, admin: User) -> None:
    for number in range(60):
        factories.WebchatFactory.create(user=admin, name=f"Shop {number}")
    other = factories.WebchatFactory.create(user=admin, name="Other")
    body = {"action": "export_json", "_selected_action": [other.pk], "select_across": "1"}
    rows = json.loads(session_client.post(f"{LIST}?q=shop", body).getvalue())
    assert len(rows) == 60
