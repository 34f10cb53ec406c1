"""Imports that fail for a reason outside the file."""

import os
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import DatabaseError, OperationalError, connection
from django.test import Client
from django.urls import reverse

from organizations.models import Prompt, User
from tests.support import factories
from tests.webchats.imports.files import import_content, to_csv
from tests.webchats.imports.test_api import post
from webchats.icons.storage import StorageUnavailable, icon_storage
from webchats.imports.interfaces import ImportObserver
from webchats.models import Webchat
from webchats.models.imports import ImportRecord

ADDRESS = "http://10.0.0.5:9000/internal-bucket"


@pytest.fixture(autouse=True)
def _prompt(admin: User) -> None:
    factories.PromptFactory.create(organization=admin.organization, name="Sales")


def _file_with_icon(user: User) -> str:
    return to_csv({"icon": f"orgs/{user.organization_id}/webchat/a.png"}, more=("icon",))


@pytest.fixture
def _failing_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    def exists(name: str) -> bool:
        raise StorageUnavailable(f"Could not connect to {ADDRESS}")

    monkeypatch.setattr(icon_storage(), "exists", exists)


class _FailingObserver(ImportObserver):
    def __init__(self, error: Exception) -> None:
        self._error = error

    def rows_read(self, count: int) -> None:
        raise self._error


def _assert_interrupted() -> None:
    record = ImportRecord.objects.get()
    assert record.status == "interrupted"
    assert record.finished_at is not None
    assert not Webchat.objects.exists()


@pytest.mark.usefixtures("_failing_storage")
def test_the_api_returns_503_without_an_address_if_the_icon_storage_fails(
    api: Any, admin: User
) -> None:
    response = post(api(admin), _file_with_icon(admin))
    assert response.status_code == 503
    assert ADDRESS not in response.content.decode()
    _assert_interrupted()


@pytest.mark.usefixtures("_failing_storage")
def test_the_command_reports_that_the_icon_storage_fails(admin: User, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text(_file_with_icon(admin))
    with pytest.raises(CommandError, match="Nothing was imported: Could not connect"):
        call_command("import_webchats", str(path), organization=admin.organization_id)
    _assert_interrupted()


@pytest.mark.usefixtures("_failing_storage")
def test_the_admin_site_reports_without_an_address_that_the_icon_storage_fails(
    client: Client, admin: User
) -> None:
    file = SimpleUploadedFile("in.csv", _file_with_icon(admin).encode())
    client.force_login(admin)
    response = client.post(reverse("admin:webchats_webchat_import"), {"file": file})
    assert response.status_code == 200
    assert "The icon storage is unavailable." in response.content.decode()
    assert ADDRESS not in response.content.decode()
    _assert_interrupted()


def test_the_api_returns_503_if_the_database_fails_during_an_import(api: Any, admin: User) -> None:
    def fail(execute: Any, sql: str, *arguments: Any) -> Any:
        if f'FROM "{Prompt._meta.db_table}"' in sql:
            raise OperationalError("connection to server at 10.0.0.5 failed")
        return execute(sql, *arguments)

    with connection.execute_wrapper(fail):
        response = post(api(admin), to_csv({}))
    assert response.status_code == 503
    assert "10.0.0.5" not in response.content.decode()
    _assert_interrupted()


@pytest.mark.parametrize("error", [RuntimeError("bug"), DatabaseError("gone")])
def test_an_unexpected_error_is_recorded_and_raised(admin: User, error: Exception) -> None:
    with pytest.raises(type(error), match=str(error)):
        import_content(to_csv({}), admin, observer=_FailingObserver(error))
    _assert_interrupted()


def test_a_file_name_that_is_not_valid_unicode_is_recorded(admin: User, tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.csv"
    Path(os.fsdecode(path)).write_text(to_csv({}))
    call_command("import_webchats", os.fsdecode(path), organization=admin.organization_id)
    assert ImportRecord.objects.get().file_name == "caf?.csv"
