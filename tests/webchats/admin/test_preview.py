"""The live preview of an unsaved webchat."""

from pathlib import Path

import pytest
from django.test import Client

from organizations.models import User
from tests.support import factories
from tests.support.clients import log_in
from tests.support.icons import store_icon
from tests.support.images import image_upload
from tests.webchats.admin.pages import LIST, PREVIEW, FormData
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


def test_the_preview_is_the_visitors_page_and_stores_nothing(
    session_client: Client, admin: User, form_data: FormData
) -> None:
    webchat = factories.WebchatFactory.create(user=admin, starter_message="Before")
    before = Webchat.objects.filter(pk=webchat.pk).values().get()
    versions = Webchat.history.count()
    changes = form_data(starter_message="After & more", primary_color="#00ff00")
    preview = session_client.post(f"{LIST}{webchat.pk}/preview/", changes).json()
    assert preview["errors"] == {}
    assert "After &amp; more" in preview["html"]
    assert "#00ff00" in preview["html"]
    assert Webchat.objects.filter(pk=webchat.pk).values().get() == before
    assert Webchat.history.count() == versions
    session_client.post(PREVIEW, form_data())
    assert Webchat.objects.count() == 1


def test_an_invalid_color_has_an_error_and_no_rendering(
    session_client: Client, form_data: FormData
) -> None:
    preview = session_client.post(PREVIEW, form_data(primary_color="red")).json()
    assert preview["html"] is None
    assert preview["errors"] == {
        "primary_color": ["Enter a color as #RGB or #RRGGBB, for example #1F2937."]
    }


def test_an_error_of_a_field_that_is_not_shown_does_not_prevent_the_rendering(
    session_client: Client, form_data: FormData
) -> None:
    preview = session_client.post(PREVIEW, form_data(name="", z_index="x")).json()
    assert preview["errors"].keys() == {"name", "z_index"}
    assert preview["html"]


def test_the_preview_returns_the_canonical_domains(
    session_client: Client, form_data: FormData
) -> None:
    preview = session_client.post(
        PREVIEW, form_data(allowed_domains="HTTPS://Bücher.example")
    ).json()
    assert preview["domains"] == ["https://xn--bcher-kva.example"]


def test_an_empty_form_has_no_rendering(session_client: Client) -> None:
    response = session_client.post(PREVIEW, {})
    assert response.status_code == 200
    assert response.json()["html"] is None


def test_a_superuser_must_choose_an_organization_before_the_preview(
    superuser: User, form_data: FormData
) -> None:
    preview = log_in(superuser).post(PREVIEW, form_data()).json()
    assert preview["html"] is None
    assert "organization" in preview["errors"]


def test_the_preview_requires_post(session_client: Client) -> None:
    assert session_client.get(PREVIEW).status_code == 405


def test_an_icon_is_previewed_without_being_stored(
    session_client: Client, form_data: FormData, icon_folder: Path
) -> None:
    preview = session_client.post(PREVIEW, form_data(icon_file=image_upload())).json()
    assert 'src="data:image/png;base64,' in preview["html"]
    assert not any(path.is_file() for path in icon_folder.rglob("*"))


def test_a_removed_icon_is_not_in_the_preview(
    session_client: Client, admin: User, form_data: FormData
) -> None:
    icon = store_icon(admin.organization_id)
    webchat = factories.WebchatFactory.create(user=admin, icon=icon)
    url = f"{LIST}{webchat.pk}/preview/"
    assert icon in session_client.post(url, form_data()).json()["html"]
    preview = session_client.post(url, form_data(remove_icon="on")).json()
    assert icon not in preview["html"]
    assert preview["launcher"]["icon"] is None
    webchat.refresh_from_db()
    assert webchat.icon == icon
