"""The records of past imports."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from organizations.models import User
from tests.support import factories
from tests.support.clients import log_in
from tests.webchats.admin.pages import RECORDS, check_file, confirm
from tests.webchats.imports.files import to_csv
from webchats.models.imports import ImportRecord

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sales_prompt")]


def test_a_record_is_read_only(session_client: Client, admin: User) -> None:
    check_file(session_client, to_csv({}), "spring.csv")
    record = ImportRecord.objects.get()
    records = session_client.get(RECORDS).content.decode()
    assert "spring.csv" in records
    assert all(column in records for column in ("Created", "Updated", "Unchanged", "Invalid"))
    url = reverse("admin:webchats_importrecord_change", args=[record.pk])
    page = session_client.get(url).content.decode()
    assert record.sha256 in page
    assert str(admin) in page
    assert "_save" not in page
    assert session_client.post(url, {"file_name": "other.csv"}).status_code == 403
    assert session_client.get(f"{RECORDS}add/").status_code == 403
    assert session_client.post(f"{RECORDS}{record.pk}/delete/", {"post": "yes"}).status_code == 403
    assert list(ImportRecord.objects.values_list("file_name", flat=True)) == ["spring.csv"]


def test_the_list_has_numbers_of_written_rows_for_imports_only(session_client: Client) -> None:
    confirm(session_client, check_file(session_client, to_csv({}, {})))
    page = session_client.get(RECORDS).content.decode()
    assert re.findall(r'class="field-rows_(\w+)">(.*?)</td>', page) == [
        ("created", "2"),
        ("updated", "0"),
        ("created", "–"),
        ("updated", "–"),
    ]
    checked = ImportRecord.objects.get(status="checked")
    url = reverse("admin:webchats_importrecord_change", args=[checked.pk])
    record = session_client.get(url).content.decode()
    assert "<label>Created</label>" in record
    assert re.findall(r'<div class="readonly">(None|–)</div>', record) == ["–", "–"]


def test_records_are_deleted_with_their_organization(superuser: User) -> None:
    record = factories.ImportRecordFactory.create()
    User.objects.filter(pk=record.user_id).delete()
    url = reverse("admin:organizations_organization_delete", args=[record.organization_id])
    response = log_in(superuser).post(url, {"post": "yes"})
    assert response.status_code == 302
    assert not ImportRecord.objects.exists()
