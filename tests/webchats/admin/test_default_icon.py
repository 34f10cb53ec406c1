"""The organization's page on the staff's site: the icon of webchats that have none of their own."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from organizations.models import Organization, User
from tests.support import factories
from tests.support.clients import log_in
from tests.support.images import image_upload
from webchats.icons.images import read_image
from webchats.icons.storage import IconStorage
from webchats.services import set_default_icon

pytestmark = pytest.mark.django_db

LIST = "/admin/organizations/organization/"


def _address(organization: Organization) -> str:
    return f"{LIST}{organization.pk}/change/"


def _with_icon(organization: Organization) -> Organization:
    return set_default_icon(organization=organization, image=read_image(image_upload()))


def _form(organization: Organization, **more: Any) -> dict[str, Any]:
    return {"name": organization.name, "assistant_name": organization.assistant_name, **more}


def test_a_default_icon_is_stored_shown_replaced_and_removed(
    session_client: Client,
    organization: Organization,
    storage: IconStorage,
    django_capture_on_commit_callbacks: Any,
) -> None:
    address = _address(organization)
    response = session_client.post(address, _form(organization, icon_file=image_upload()))
    assert response.status_code == 302, response.context["adminform"].errors
    organization.refresh_from_db()
    first = organization.default_icon
    assert first.startswith(f"orgs/{organization.pk}/webchat/")
    page = session_client.get(address).content.decode()
    assert first in page
    assert "Remove the icon" in page

    with django_capture_on_commit_callbacks(execute=True):
        session_client.post(address, _form(organization, icon_file=image_upload()))
    organization.refresh_from_db()
    assert organization.default_icon not in ("", first)
    assert not storage.exists(first)

    with django_capture_on_commit_callbacks(execute=True):
        session_client.post(address, _form(organization, remove_icon="on"))
    second = organization.default_icon
    organization.refresh_from_db()
    assert organization.default_icon == ""
    assert not storage.exists(second)


def test_other_changes_leave_the_icon_and_every_save_is_one_version(
    session_client: Client, organization: Organization
) -> None:
    _with_icon(organization)
    versions = organization.history.count()
    session_client.post(_address(organization), _form(organization, assistant_name="Maya"))
    stored = Organization.objects.get(pk=organization.pk)
    assert (stored.assistant_name, stored.default_icon) == ("Maya", organization.default_icon)
    assert organization.history.count() == versions + 1
    session_client.post(_address(organization), _form(stored, icon_file=image_upload()))
    assert organization.history.count() == versions + 2


def test_a_file_that_is_no_image_is_refused(
    session_client: Client, organization: Organization
) -> None:
    file = SimpleUploadedFile("icon.png", b"<svg/>", "image/png")
    response = session_client.post(
        _address(organization), _form(organization, icon_file=file, name="New")
    )
    assert "PNG" in response.context["adminform"].errors["icon_file"][0]
    stored = Organization.objects.get(pk=organization.pk)
    assert (stored.default_icon, stored.name) == ("", organization.name)


@pytest.mark.parametrize("role", ["DEPARTMENT_HEAD", "SALES_REP"])
def test_who_may_only_look_sees_the_icon_and_no_field(
    organization: Organization, role: str
) -> None:
    client = log_in(factories.UserFactory.create(organization=organization, access_role=role))
    before = _with_icon(organization).default_icon
    page = client.get(_address(organization)).content.decode()
    assert before in page
    assert "icon_file" not in page
    assert "Remove the icon" not in page
    for sent in ({"icon_file": image_upload()}, {"remove_icon": "on"}):
        response = client.post(_address(organization), _form(organization, **sent))
        assert response.status_code == 403
    organization.refresh_from_db()
    assert organization.default_icon == before


def test_another_organization_s_icon_is_out_of_reach(
    session_client: Client, other_admin: User
) -> None:
    theirs = other_admin.organization
    assert theirs is not None
    before = _with_icon(theirs).default_icon
    for sent in ({"icon_file": image_upload()}, {"remove_icon": "on"}):
        session_client.post(_address(theirs), _form(theirs, **sent))
    theirs.refresh_from_db()
    assert theirs.default_icon == before
    assert before not in session_client.get(_address(theirs), follow=True).content.decode()


def test_a_superuser_makes_an_organization_with_an_icon(superuser: User) -> None:
    body = {"name": "New", "assistant_name": "", "icon_file": image_upload()}
    response = log_in(superuser).post(f"{LIST}add/", body)
    assert response.status_code == 302, response.context["adminform"].errors
    made = Organization.objects.get()
    assert made.default_icon.startswith(f"orgs/{made.pk}/webchat/")


def test_a_storage_that_is_down_costs_only_the_icon(
    session_client: Client, organization: Organization
) -> None:
    folder = Path(settings.STORAGES["icons"]["OPTIONS"]["location"])
    folder.parent.mkdir(parents=True, exist_ok=True)
    # A file where the folder should be: nothing can be written below it.
    folder.write_text("")
    body = _form(organization, icon_file=image_upload()) | {"name": "Renamed"}
    response = session_client.post(_address(organization), body, follow=True)
    assert response.status_code == 200
    assert "The icon could not be stored." in response.content.decode()
    organization.refresh_from_db()
    assert (organization.name, organization.default_icon) == ("Renamed", "")


def test_an_icon_is_removed_while_the_storage_is_down(
    session_client: Client, organization: Organization, django_capture_on_commit_callbacks: Any
) -> None:
    key = f"orgs/{organization.pk}/webchat/gone.png"
    Organization.objects.filter(pk=organization.pk).update(default_icon=key)
    folder = Path(settings.STORAGES["icons"]["OPTIONS"]["location"])
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("")
    with django_capture_on_commit_callbacks(execute=True):
        response = session_client.post(
            _address(organization), _form(organization, remove_icon="on")
        )
    assert response.status_code == 302
    organization.refresh_from_db()
    assert organization.default_icon == ""
