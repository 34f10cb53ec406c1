"""``manage.py make_bucket`` with a real S3 server."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from webchats.icons.storage import icon_storage


def make_bucket() -> str:
    call_command("make_bucket", stdout=(message := StringIO()))
    return message.getvalue().strip()


def use_bucket(settings: Settings, options: dict[str, Any]) -> None:
    icons = {"BACKEND": "webchats.icons.s3.S3IconStorage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "icons": icons}


def test_a_bucket_is_created_once_and_keeps_its_objects(
    settings: Settings, s3_options: dict[str, Any]
) -> None:
    use_bucket(settings, {**s3_options, "bucket_name": "new-bucket"})
    assert make_bucket() == "Bucket new-bucket created."
    icon_storage().put("orgs/a", b"content", "image/png")
    assert make_bucket() == "Bucket new-bucket already exists."
    assert icon_storage().exists("orgs/a")


def test_wrong_credentials_are_reported(settings: Settings, s3_options: dict[str, Any]) -> None:
    use_bucket(settings, {**s3_options, "secret_key": "wrong"})
    with pytest.raises(CommandError, match="The bucket could not be created"):
        make_bucket()


def test_a_bucket_cannot_be_created_without_a_setting() -> None:
    with pytest.raises(CommandError, match="ICONS_S3_BUCKET is not set"):
        make_bucket()
