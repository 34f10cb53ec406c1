"""What an import leaves behind when something beside the file fails."""

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
from tests.webchats.imports.files import csv_of, imported
from tests.webchats.imports.test_api import post
from webchats.icons.storage import StorageUnavailable, icon_storage
from webchats.imports.listener import Listener
from webchats.models import Webchat
from webchats.models.imports import ImportRecord

ADDRESS = "http://10.0.0.5:9000/internal-bucket"


@pytest.fixture(autouse=True)
def _prompt(admin: User) -> None:
    factories.PromptFactory.create(organization=admin.organization, name="Sales")


def _icon_of(user: User) -> str:
    return csv_of({"icon": f"orgs/{user.organization_id}/webchat/a.png"}, more=("icon",))


@pytest.fixture
def _no_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> bool:
        raise StorageUnavailable(f"Could not connect to {ADDRESS}")

    monkeypatch.setattr(icon_storage(), "exists", fail)


class _Failing(Listener):
    def __init__(self, error: Exception) -> None:
        self._error = error

    def progress(self, rows: int) -> None:
        raise self._error


def _assert_ended() -> None:
    record = ImportRecord.objects.get()
    assert record.status == "interrupted"
    assert record.finished_at is not None
    assert not Webchat.objects.exists()


@pytest.mark.usefixtures("_no_storage")
def test_a_storage_that_does_not_answer_is_503_and_tells_no_address(api: Any, admin: User) -> None:
    answer = post(api(admin), _icon_of(admin))
    assert answer.status_code == 503
    assert ADDRESS not in answer.content.decode()
    _assert_ended()


@pytest.mark.usefixtures("_no_storage")
def test_the_command_says_that_the_storage_does_not_answer(admin: User, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text(_icon_of(admin))
    with pytest.raises(CommandError, match="Nothing was written: Could not connect"):
        call_command("import_webchats", str(path), organization=admin.organization_id)
    _assert_ended()


@pytest.mark.usefixtures("_no_storage")
def test_the_admin_says_that_the_storage_does_not_answer(client: Client, admin: User) -> None:
    file = SimpleUploadedFile("in.csv", _icon_of(admin).encode())
    client.force_login(admin)
    answer = client.post(reverse("admin:webchats_webchat_import"), {"file": file})
    assert answer.status_code == 200
    assert "The icon storage is unavailable." in answer.content.decode()
    assert ADDRESS not in answer.content.decode()
    _assert_ended()


def test_a_database_that_fails_during_an_import_is_503(api: Any, admin: User) -> None:
    def fail(execute: Any, sql: str, *arguments: Any) -> Any:
        if f'FROM "{Prompt._meta.db_table}"' in sql:
            raise OperationalError("connection to server at 10.0.0.5 failed")
        return execute(sql, *arguments)

    with connection.execute_wrapper(fail):
        answer = post(api(admin), csv_of({}))
    assert answer.status_code == 503
    assert "10.0.0.5" not in answer.content.decode()
    _assert_ended()


@pytest.mark.parametrize("error", [RuntimeError("a mistake of ours"), DatabaseError("gone")])
def test_an_unexpected_error_ends_the_record_and_is_raised(admin: User, error: Exception) -> None:
    with pytest.raises(type(error), match=str(error)):
        imported(csv_of({}), admin, listener=_Failing(error))
    _assert_ended()


def test_a_file_name_that_is_no_unicode_is_recorded(admin: User, tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.csv"
    Path(os.fsdecode(path)).write_text(csv_of({}))
    call_command("import_webchats", os.fsdecode(path), organization=admin.organization_id)
    assert ImportRecord.objects.get().file_name == "caf?.csv"


def test_a_file_that_vanishes_while_the_folder_is_listed_is_passed_over(
    admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, folder = icon_storage(), f"orgs/{admin.organization_id}/webchat/"
    for name in ("a.png", "b.png"):
        storage.put(folder + name, b"x", "image/png")
    walk = os.walk

    def late(top: str) -> Any:
        for place, folders, names in walk(top):
            if names:
                storage.delete(folder + "a.png")
            yield place, folders, names

    monkeypatch.setattr(os, "walk", late)
    assert [found.key for found in storage.objects("orgs/")] == [folder + "b.png"]
