"""The version of a webchat, which a write of every interface changes."""

from typing import Any

import pytest

from organizations.models import User
from tests.support import factories
from tests.support.clients import log_in, token_client
from tests.support.images import image_upload
from tests.webchats.admin.pages import change_url, run_action
from tests.webchats.imports.files import import_content, to_csv
from webchat_project.api.timestamps import get_version
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


def update_by_api(user: User, webchat: Webchat) -> None:
    response = token_client(user).put(f"/api/webchats/{webchat.pk}", {"name": "New"})
    assert response.status_code == 200


def set_icon_by_api(user: User, webchat: Webchat) -> None:
    path = f"/api/webchats/{webchat.pk}/icon"
    response = token_client(user).put(path, {"file": image_upload()}, format="multipart")
    assert response.status_code == 200


def disable_in_admin(user: User, webchat: Webchat) -> None:
    run_action(log_in(user), "disable", webchat)


def update_by_import(user: User, webchat: Webchat) -> None:
    factories.PromptFactory.create(organization=user.organization, name="Sales")
    content = to_csv({"_id": webchat.pk, "name": "Imported"}, more=("_id",))
    assert import_content(content, user, update=True).updated == 1


@pytest.mark.parametrize(
    "write", [update_by_api, set_icon_by_api, disable_in_admin, update_by_import]
)
def test_write_changes_the_version(admin: User, webchat: Webchat, write: Any) -> None:
    before = webchat.row_version
    write(admin, webchat)
    webchat.refresh_from_db()
    assert webchat.row_version != before


def test_read_does_not_change_the_version(admin: User, webchat: Webchat) -> None:
    before = webchat.row_version
    token_client(admin).get(f"/api/webchats/{webchat.pk}")
    log_in(admin).get(change_url(webchat))
    webchat.refresh_from_db()
    assert webchat.row_version == before


def test_history_records_have_the_version_that_they_made(admin: User, webchat: Webchat) -> None:
    versions = [webchat.row_version]
    for write in (update_by_api, update_by_import, disable_in_admin):
        write(admin, webchat)
        webchat.refresh_from_db()
        versions.append(webchat.row_version)
    records = webchat.history.order_by("history_id")
    assert [get_version(record.updated_at) for record in records] == versions
