"""What becomes of icons that nothing refers to any more, on a folder and on a real S3 server."""

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
    assert user.organization_id is not None
    return store_icon(user.organization_id)


def with_icon(user: User, key: str) -> Webchat:
    webchat: Webchat = factories.WebchatFactory.create(user=user, icon=key)
    return Webchat.objects.get(pk=webchat.pk)


@pytest.mark.django_db
@pytest.mark.parametrize("how", ["icon", "put", "delete icon", "delete", "rows", "save"])
def test_a_replaced_or_removed_icon_is_deleted_after_the_commit(
    api: Any,
    admin: User,
    storage: IconStorage,
    django_capture_on_commit_callbacks: Any,
    how: str,
) -> None:
    key, other = new_key(admin), new_key(admin)
    webchat = with_icon(admin, key)
    url = f"/api/webchats/{webchat.pk}"
    with django_capture_on_commit_callbacks(execute=True):
        if how == "icon":
            sent = {"file": image_upload()}
            assert api(admin).put(f"{url}/icon", sent, format="multipart").status_code == 200
        elif how == "put":
            assert api(admin).put(url, {"icon": other}).status_code == 200
        elif how == "delete icon":
            assert api(admin).delete(f"{url}/icon").status_code == 200
        elif how == "delete":
            assert api(admin).delete(url).status_code == 200
        elif how == "rows":
            Webchat.objects.filter(pk=webchat.pk).delete()
        else:
            webchat.icon = ""
            webchat.save()
        assert storage.exists(key)
    assert not storage.exists(key)
    assert storage.exists(other)


@pytest.mark.django_db
def test_an_icon_that_another_row_refers_to_is_kept(
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
def test_a_write_that_is_rolled_back_deletes_nothing(admin: User, storage: IconStorage) -> None:
    key = new_key(admin)
    webchat = with_icon(admin, key)
    with transaction.atomic():
        webchat.delete()
        transaction.set_rollback(True)
    assert storage.exists(key)
    Webchat.objects.get().delete()
    assert not storage.exists(key)


@pytest.mark.django_db(transaction=True)
def test_an_icon_that_is_being_adopted_is_not_deleted_under_its_new_row(
    admin: User, storage: IconStorage
) -> None:
    key = new_key(admin)
    first = with_icon(admin, key)
    second: Webchat = factories.WebchatFactory.create(user=admin)
    seen, release = threading.Event(), threading.Event()

    def adopt() -> None:
        try:
            with transaction.atomic():
                row = Webchat.objects.select_for_update().get(pk=second.pk)
                row.icon = key
                row.full_clean()
                seen.set()
                release.wait(timeout=10)
                row.save()
        finally:
            seen.set()
            connection.close()

    adopter = threading.Thread(target=adopt)
    adopter.start()
    assert seen.wait(timeout=10)
    timer = threading.Timer(0.3, release.set)
    timer.start()
    first.delete()
    adopter.join()
    timer.join()
    second.refresh_from_db()
    assert second.icon == key
    assert storage.exists(key)


@pytest.mark.django_db
def test_an_icon_that_is_gone_is_not_adopted(admin: User, storage: IconStorage) -> None:
    key = new_key(admin)
    assert delete_unused(key)
    webchat: Webchat = factories.WebchatFactory.create(user=admin)
    webchat.icon = key
    with pytest.raises(ValidationError, match="Icon not found"):
        webchat.full_clean()


# --- The sweep ---


def swept(*arguments: str) -> str:
    output = StringIO()
    call_command("sweep_icons", *arguments, stdout=output)
    return output.getvalue()


@pytest.mark.django_db
def test_the_sweep_removes_what_no_row_refers_to(
    admin: User, other_admin: User, storage: IconStorage
) -> None:
    used, default, loose = new_key(admin), new_key(other_admin), new_key(other_admin)
    with_icon(admin, used)
    assert other_admin.organization is not None
    other_admin.organization.default_icon = default
    other_admin.organization.save()
    gone = store_icon("f" * 24)
    foreign = f"orgs/{admin.organization_id}/exports/report.csv"
    storage.put(foreign, b"text", "text/csv")

    # A client may just have uploaded them.
    assert loose not in swept()
    assert f"would delete {loose}" in swept("--dry-run", "--older-than", "0m")
    assert all(storage.exists(key) for key in (used, default, loose, gone, foreign))

    said = swept("--older-than", "0m")
    assert f"deleted {loose}" in said
    assert f"deleted {gone}" in said
    assert "kept 2 in use" in said
    assert all(storage.exists(key) for key in (used, default, foreign))
    assert not storage.exists(loose)
    assert not storage.exists(gone)


@pytest.mark.django_db
def test_the_sweep_leaves_young_ones_alone(
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
def test_an_age_is_a_number_with_a_unit(age: str) -> None:
    with pytest.raises(CommandError, match="older-than"):
        call_command("sweep_icons", f"--older-than={age}")
