"""System checks of ``STORAGES["icons"]``."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from webchats.checks import MAX_URL_SECONDS, check_icon_storage

S3 = {
    "bucket_name": "icons",
    "endpoint_url": "https://account.r2.cloudflarestorage.com",
    "access_key": "a",
    "secret_key": "b",
    "querystring_expire": 3600,
}


def check_ids(settings: Any, backend: str, **options: Any) -> list[str]:
    icons = {"BACKEND": backend, "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "icons": icons}
    messages = check_icon_storage()
    assert all(message.hint for message in messages)
    return [str(message.id) for message in messages]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"access_key": ""}, ["webchats.E003"]),
        ({"secret_key": ""}, ["webchats.E003"]),
        ({"querystring_expire": MAX_URL_SECONDS}, []),
        ({"querystring_expire": MAX_URL_SECONDS + 1}, ["webchats.E002"]),
        ({"querystring_expire": 0}, ["webchats.E002"]),
        ({"default_acl": "private"}, []),
        ({"default_acl": "public-read"}, ["webchats.E004"]),
        ({"querystring_auth": False}, ["webchats.E004"]),
        ({"endpoint_url": "http://storage.internal"}, ["webchats.W001"]),
    ],
)
def test_the_options_of_a_bucket_are_checked(
    settings: Any, changed: dict[str, Any], expected: list[str]
) -> None:
    assert check_ids(settings, "webchats.icons.s3.S3IconStorage", **{**S3, **changed}) == expected


def test_the_options_of_a_folder_are_checked(settings: Any, tmp_path: Path) -> None:
    backend = "webchats.icons.local.LocalIconStorage"
    (tmp_path / "file").write_text("")
    assert check_ids(settings, backend, location=str(tmp_path / "not" / "yet")) == []
    assert check_ids(settings, backend, location=str(tmp_path / "file" / "x")) == ["webchats.E005"]
    location = str(tmp_path)
    assert check_ids(settings, backend, location=location, url_seconds=1) == ["webchats.E002"]


@pytest.mark.parametrize(
    "backend", ["", "webchats.nowhere.Storage", "django.core.files.storage.InMemoryStorage"]
)
def test_an_unsupported_storage_is_an_error(settings: Any, backend: str) -> None:
    assert check_ids(settings, backend) == ["webchats.E001"]


def test_the_checks_are_registered(settings: Any) -> None:
    settings.STORAGES = {**settings.STORAGES, "icons": {"BACKEND": "webchats.nowhere.Storage"}}
    with pytest.raises(SystemCheckError, match=r"webchats\.E001"):
        call_command("check")
