"""Deletion of icons that no row refers to, in a folder and on a real S3 server."""

import threading
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from organizations.models import User
from tests.support import factories
from tests.support.icons import store_icon
from tests.support.images import image_upload
from webchats.icons.cleanup import delete_unused, sweep
from webchats.icons.images import read_image
from webchats.icons.storage import IconStorage
from webchats.models import Webchat
from webchats.services import set_default_icon


def new_key(user: User) -> str:
    """Store an icon of the user's organization and return its key."""
    return store_icon(user.organization_id)


def with_icon(user: User, key: str) -> Webchat:
    """Create a webchat with the icon and return it as loaded from the database."""
    webchat: Webchat = factories.WebchatFactory.create(user=user, icon=key)
    return Webchat.objects.get(pk=webchat.pk)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change", ["upload", "put", "delete icon", "delete", "delete rows", "save"]
)
def test_a_replaced_or_removed_icon_is_deleted_after_the_commit(
    api: Any,
    admin: User,
    storage: IconStorage,
    django_capture_on_commit_callbacks: Any,
    change: str,
) -> None:
    key, other = new_key(admin), new_key(admin)
    webchat = with_icon(admin, key)
    url = f"/api/webchats/{webchat.pk}"
    with django_capture_on_commit_callbacks(execute=True):
        if change == "upload":
            body = {"file": image_upload()}
            assert api(admin).put(f"{url}/icon", body, format="multipart").status_code == 200
        elif change == "put":
            assert api(admin).put(url, {"icon": other}).status_code == 200
        elif change == "delete icon":
            assert api(admin).delete(f"{url}/icon").status_code == 200
        elif change == "delete":
            assert api(admin).delete(url).status_code == 200
        elif change == "delete rows":
            Webchat.objects.filter(pk=webchat.pk).delete()
        else:
            webchat.icon = ""
            webchat.save()
        assert storage.exists(key)
    assert not storage.exists(key)
    assert storage.exists(other)


@pytest.mark.django_db
def test_an_icon_that_another_row_uses_is_kept(
    api: Any, admin: User, storage: IconStorage, django_capture_on_commit_callbacks: Any
) -> None:
    key = new_key(admin)
    first, second = with_icon(admin, key), with_icon(admin, key)
    with django_capture_on_commit_callbacks(execute=True):
        first.delete()
    assert storage.exists(key)
    organization = second.organization
    organization.default_icon = key
    organization.save()
    with django_capture_on_commit_callbacks(execute=True):
        second.delete()
    assert storage.exists(key)
    with django_capture_on_commit_callbacks(execute=True):
        set_default_icon(organization=organization, image=None)
    assert not storage.exists(key)


@pytest.mark.django_db
def test_a_replaced_default_icon_is_deleted(
    admin: User, storage: IconStorage, django_capture_on_commit_callbacks: Any
) -> None:
    assert admin.organization is not None
    organization = set_default_icon(
        organization=admin.organization, image=read_image(image_upload())
    )
    old = organization.default_icon
    with django_capture_on_commit_callbacks(execute=True):
        set_default_icon(organization=organization, image=read_image(image_upload()))
    organization.refresh_from_db()
    assert not storage.exists(old)
    assert storage.exists(organization.default_icon)


@pytest.mark.django_db(transaction=True)
def test_a_rollback_deletes_no_icon(admin: User, storage: IconStorage) -> None:
    key = new_key(admin)
    webchat = with_icon(admin, key)
    with transaction.atomic():
        webchat.delete()
        transaction.set_rollback(True)
    assert storage.exists(key)
    Webchat.objects.get().delete()
    assert not storage.exists(key)


@pytest.mark.django_db(transaction=True)
def test_an_icon_is_not_deleted_while_another_row_starts_to_use_it(
    admin: User, storage: IconStorage
) -> None:
    key = new_key(admin)
    first = with_icon(admin, key)
    second: Webchat = factories.WebchatFactory.create(user=admin)
    validated, resume = threading.Event(), threading.Event()

    def use_icon() -> None:
        try:
            with transaction.atomic():
                row = Webchat.objects.select_for_update().get(pk=second.pk)
                row.icon = key
                row.full_clean()
                validated.set()
                resume.wait(timeout=10)
                row.save()
        finally:
            validated.set()
            connection.close()

    thread = threading.Thread(target=use_icon)
    thread.start()
    assert validated.wait(timeout=10)
    timer = threading.Timer(0.3, resume.set)
    timer.start()
    first.delete()
    thread.join()
    timer.join()
    second.refresh_from_db()
    assert second.icon == key
    assert storage.exists(key)


@pytest.mark.django_db
def test_a_deleted_icon_cannot_be_used(admin: User, storage: IconStorage) -> None:
    key = new_key(admin)
    assert delete_unused(key)
    webchat: Webchat = factories.WebchatFactory.create(user=admin)
    webchat.icon = key
    with pytest.raises(ValidationError, match="Icon not found"):
        webchat.full_clean()


# --- The sweep ---


def run_sweep(*arguments: str) -> str:
    """Return the output of ``manage.py sweep_icons``."""
    output = StringIO()
    call_command("sweep_icons", *arguments, stdout=output)
    return output.getvalue()


@pytest.mark.django_db
def test_the_sweep_deletes_unused_icons_only(
    admin: User, other_admin: User, storage: IconStorage
) -> None:
    used, default, unused = new_key(admin), new_key(other_admin), new_key(other_admin)
    with_icon(admin, used)
    assert other_admin.organization is not None
    other_admin.organization.default_icon = default
    other_admin.organization.save()
    orphan = store_icon("f" * 24)
    report = f"orgs/{admin.organization_id}/exports/report.csv"
    storage.put(report, b"text", "text/csv")

    # A client may have uploaded them a moment ago.
    assert unused not in run_sweep()
    assert f"would delete {unused}" in run_sweep("--dry-run", "--older-than", "0m")
    assert all(storage.exists(key) for key in (used, default, unused, orphan, report))

    output = run_sweep("--older-than", "0m")
    assert f"deleted {unused}" in output
    assert f"deleted {orphan}" in output
    assert "kept 2 in use" in output
    assert all(storage.exists(key) for key in (used, default, report))
    assert not storage.exists(unused)
    assert not storage.exists(orphan)


@pytest.mark.django_db
def test_the_sweep_skips_young_icons(
    admin: User, storage: IconStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_key(admin)
    day = timedelta(days=1)
    assert key not in {found.key for found in sweep(older_than=day, dry_run=False)}
    tomorrow = timezone.now() + day + timedelta(minutes=1)
    monkeypatch.setattr(timezone, "now", lambda: tomorrow)
    assert key in {found.key for found in sweep(older_than=day, dry_run=False)}
    assert not storage.exists(key)


@pytest.mark.parametrize("age", ["", "1", "d", "-1d", "1w", "1 d", "٣d", "99999999d"])
def test_an_invalid_age_is_rejected(age: str) -> None:
    with pytest.raises(CommandError, match="older-than"):
        call_command("sweep_icons", f"--older-than={age}")
