"""The icon of a webchat in the admin site."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from organizations.models import User
from tests.support import factories
from tests.support.clients import log_in
from tests.support.icons import store_icon
from tests.support.images import image_upload
from tests.webchats.admin.pages import ADD, LIST, FormData, change_url, get_errors
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


def test_an_icon_is_stored_shown_and_removed(
    session_client: Client, admin: User, form_data: FormData
) -> None:
    response = session_client.post(ADD, form_data(icon_file=image_upload()))
    assert response.status_code == 302, get_errors(response)
    webchat = Webchat.objects.get()
    assert webchat.icon.startswith(f"orgs/{admin.organization_id}/webchat/")
    for page in (LIST, change_url(webchat)):
        assert f"/icons/{webchat.icon}" in session_client.get(page).content.decode()
    session_client.post(change_url(webchat), form_data())
    webchat.refresh_from_db()
    assert webchat.icon
    session_client.post(change_url(webchat), form_data(remove_icon="on"))
    webchat.refresh_from_db()
    assert webchat.icon == ""


def test_a_file_that_is_not_an_image_is_rejected(
    session_client: Client, form_data: FormData
) -> None:
    response = session_client.post(
        ADD, form_data(icon_file=SimpleUploadedFile("icon.png", b"<svg/>", "image/png"))
    )
    assert "PNG" in get_errors(response)["icon_file"][0]
    assert not Webchat.objects.exists()


def test_refused_form_names_the_file_that_has_to_be_selected_again(
    session_client: Client, form_data: FormData
) -> None:
    response = session_client.post(ADD, form_data(name="", icon_file=image_upload()))
    warning = "Select “icon.png” again: it was not saved."
    assert warning in response.content.decode()
    assert warning not in session_client.get(ADD).content.decode()


def test_a_webchat_is_saved_without_its_icon_if_the_storage_is_unavailable(
    session_client: Client, form_data: FormData, unavailable_storage: None
) -> None:
    response = session_client.post(ADD, form_data(icon_file=image_upload()), follow=True)
    assert "The icon could not be stored." in response.content.decode()
    assert Webchat.objects.get().icon == ""


def test_a_sales_rep_sees_the_icon_without_the_upload_fields(admin: User, rep: User) -> None:
    icon = store_icon(admin.organization_id)
    webchat = factories.WebchatFactory.create(user=admin, icon=icon)
    page = log_in(rep).get(change_url(webchat)).content.decode()
    assert f"/icons/{icon}" in page
    assert "Remove the icon" not in page
