"""The default icon, on the organization's page in the admin site."""

from typing import Any

import pytest
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


def change_url(organization: Organization) -> str:
    """Return the URL of the organization's form."""
    return f"{LIST}{organization.pk}/change/"


def set_icon(organization: Organization) -> Organization:
    """Store a default icon."""
    return set_default_icon(organization=organization, image=read_image(image_upload()))


def form_data(organization: Organization, **more: Any) -> dict[str, Any]:
    """Return the values of a valid form."""
    names = {"name": organization.name, "assistant_name": organization.assistant_name}
    return {**names, "time_zone": "UTC", **more}


def test_a_default_icon_is_stored_replaced_and_removed(
    session_client: Client,
    organization: Organization,
    storage: IconStorage,
    django_capture_on_commit_callbacks: Any,
) -> None:
    url = change_url(organization)
    response = session_client.post(url, form_data(organization, icon_file=image_upload()))
    assert response.status_code == 302, response.context["adminform"].errors
    organization.refresh_from_db()
    first = organization.default_icon
    assert first.startswith(f"orgs/{organization.pk}/webchat/")
    page = session_client.get(url).content.decode()
    assert first in page
    assert "Remove the icon" in page

    with django_capture_on_commit_callbacks(execute=True):
        session_client.post(url, form_data(organization, icon_file=image_upload()))
    organization.refresh_from_db()
    assert organization.default_icon not in ("", first)
    assert not storage.exists(first)

    with django_capture_on_commit_callbacks(execute=True):
        session_client.post(url, form_data(organization, remove_icon="on"))
    second = organization.default_icon
    organization.refresh_from_db()
    assert organization.default_icon == ""
    assert not storage.exists(second)


def test_every_save_adds_one_history_record_and_other_changes_keep_the_icon(
    session_client: Client, organization: Organization
) -> None:
    set_icon(organization)
    versions = organization.history.count()
    session_client.post(change_url(organization), form_data(organization, assistant_name="Maya"))
    stored = Organization.objects.get(pk=organization.pk)
    assert (stored.assistant_name, stored.default_icon) == ("Maya", organization.default_icon)
    assert organization.history.count() == versions + 1
    session_client.post(change_url(organization), form_data(stored, icon_file=image_upload()))
    assert organization.history.count() == versions + 2


def test_a_file_that_is_not_an_image_is_rejected(
    session_client: Client, organization: Organization
) -> None:
    file = SimpleUploadedFile("icon.png", b"<svg/>", "image/png")
    response = session_client.post(
        change_url(organization), form_data(organization, icon_file=file, name="New")
    )
    assert "PNG" in response.context["adminform"].errors["icon_file"][0]
    stored = Organization.objects.get(pk=organization.pk)
    assert (stored.default_icon, stored.name) == ("", organization.name)


@pytest.mark.parametrize("role", ["DEPARTMENT_HEAD", "SALES_REP"])
def test_without_permission_the_icon_is_shown_without_upload_fields(
    organization: Organization, role: str
) -> None:
    client = log_in(factories.UserFactory.create(organization=organization, access_role=role))
    before = set_icon(organization).default_icon
    page = client.get(change_url(organization)).content.decode()
    assert before in page
    assert "icon_file" not in page
    assert "Remove the icon" not in page
    for changes in ({"icon_file": image_upload()}, {"remove_icon": "on"}):
        response = client.post(change_url(organization), form_data(organization, **changes))
        assert response.status_code == 403
    organization.refresh_from_db()
    assert organization.default_icon == before


def test_the_icon_of_another_organization_cannot_be_changed(
    session_client: Client, other_admin: User
) -> None:
    theirs = other_admin.organization
    assert theirs is not None
    before = set_icon(theirs).default_icon
    for changes in ({"icon_file": image_upload()}, {"remove_icon": "on"}):
        session_client.post(change_url(theirs), form_data(theirs, **changes))
    theirs.refresh_from_db()
    assert theirs.default_icon == before
    assert before not in session_client.get(change_url(theirs), follow=True).content.decode()


def test_a_superuser_creates_an_organization_with_an_icon(superuser: User) -> None:
    body = {"name": "New", "time_zone": "UTC", "icon_file": image_upload()}
    response = log_in(superuser).post(f"{LIST}add/", body)
    assert response.status_code == 302, response.context["adminform"].errors
    created = Organization.objects.get()
    assert created.default_icon.startswith(f"orgs/{created.pk}/webchat/")


def test_an_organization_is_saved_without_its_icon_if_the_storage_is_unavailable(
    session_client: Client, organization: Organization, unavailable_storage: None
) -> None:
    body = form_data(organization, icon_file=image_upload()) | {"name": "Renamed"}
    response = session_client.post(change_url(organization), body, follow=True)
    assert response.status_code == 200
    assert "The icon could not be stored." in response.content.decode()
    organization.refresh_from_db()
    assert (organization.name, organization.default_icon) == ("Renamed", "")


def test_an_icon_can_be_removed_if_the_storage_is_unavailable(
    session_client: Client,
    organization: Organization,
    unavailable_storage: None,
    django_capture_on_commit_callbacks: Any,
) -> None:
    key = f"orgs/{organization.pk}/webchat/gone.png"
    Organization.objects.filter(pk=organization.pk).update(default_icon=key)
    with django_capture_on_commit_callbacks(execute=True):
        response = session_client.post(
            change_url(organization), form_data(organization, remove_icon="on")
        )
    assert response.status_code == 302
    organization.refresh_from_db()
    assert organization.default_icon == ""
