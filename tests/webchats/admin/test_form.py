"""The form of a webchat in the admin site."""

import pytest
from django.test import Client

from organizations.models import User
from tests.support import factories
from tests.webchats.admin.pages import ADD, PREVIEW, FormData, change_url, get_errors
from webchats.models import Webchat
from webchats.models.appearance import DEFAULT_TIMESTAMP_COLOR

pytestmark = pytest.mark.django_db


def test_a_new_webchat_belongs_to_the_user(
    session_client: Client, admin: User, form_data: FormData
) -> None:
    response = session_client.post(ADD, form_data(primary_color="#abc"))
    assert response.status_code == 302, get_errors(response)
    webchat = Webchat.objects.get()
    assert (webchat.user, webchat.created_by) == (admin, admin)
    assert webchat.organization_id == admin.organization_id
    assert webchat.primary_color == "#aabbcc"


def test_fields_that_are_not_in_the_form_are_ignored(
    session_client: Client, admin: User, other_admin: User, form_data: FormData
) -> None:
    stage = factories.StageFactory.create()
    response = session_client.post(
        ADD,
        form_data(
            organization=other_admin.organization_id,
            user=other_admin.pk,
            created_by=other_admin.pk,
            icon="orgs/x/webchat/y.png",
            entry_stage=stage.pk,
            id="0" * 24,
        ),
    )
    assert response.status_code == 302
    webchat = Webchat.objects.get()
    assert (webchat.organization_id, webchat.user) == (admin.organization_id, admin)
    assert (webchat.created_by, webchat.icon, webchat.entry_stage) == (admin, "", None)
    assert webchat.pk != "0" * 24


def test_each_line_is_stored_as_a_canonical_domain(
    session_client: Client, form_data: FormData
) -> None:
    lines = "HTTPS://Example.com/\n\n  *.Shop.example \r\nexample.org"
    session_client.post(ADD, form_data(allowed_domains=lines))
    assert Webchat.objects.get().allowed_domains == [
        "https://example.com",
        "*.shop.example",
        "example.org",
    ]


def test_the_error_of_a_domain_quotes_its_line(session_client: Client, form_data: FormData) -> None:
    response = session_client.post(ADD, form_data(allowed_domains="example.com\nfoo\n*"))
    first, second = get_errors(response)["allowed_domains"]
    assert first.startswith("“foo”: The host name has a single label.")
    assert second.startswith("“*”: ")


def test_an_inactive_prompt_can_be_kept_but_not_selected(
    session_client: Client, admin: User, form_data: FormData
) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization, is_active=False)
    assert "prompt" in get_errors(session_client.post(ADD, form_data(prompt=prompt.pk)))
    webchat = factories.WebchatFactory.create(user=admin, prompt=prompt)
    response = session_client.post(change_url(webchat), form_data(prompt=prompt.pk, name="Renamed"))
    assert response.status_code == 302
    webchat.refresh_from_db()
    assert webchat.name == "Renamed"


def test_the_stage_must_belong_to_the_pipeline(
    session_client: Client, admin: User, form_data: FormData
) -> None:
    stage, other = (
        factories.StageFactory.create(pipeline__organization=admin.organization) for _ in range(2)
    )
    pipeline = stage.pipeline.pk
    response = session_client.post(ADD, form_data(pipeline=pipeline, pipeline_stage=other.pk))
    assert "pipeline_stage" in get_errors(response)
    session_client.post(ADD, form_data(pipeline=pipeline, pipeline_stage=stage.pk))
    assert Webchat.objects.get().entry_stage == stage


def test_form_contains_only_the_stages_of_the_selected_pipeline(
    session_client: Client, admin: User
) -> None:
    stage, other = (
        factories.StageFactory.create(pipeline__organization=admin.organization) for _ in range(2)
    )
    page = session_client.get(ADD, {"pipeline": stage.pipeline_id}).content.decode()
    assert f'<option value="{stage.pk}">' in page
    assert other.pk not in page


def test_low_contrast_is_a_warning_and_not_an_error(
    session_client: Client, form_data: FormData
) -> None:
    low_contrast = form_data(header_text_color="#333333")
    response = session_client.post(PREVIEW, low_contrast)
    assert response.json()["warnings"] == [
        "Hard to read: header text on primary has a contrast of 1.1:1, less than 4.5:1."
    ]
    assert session_client.post(ADD, low_contrast).status_code == 302


def test_default_colors_are_no_warning(session_client: Client, form_data: FormData) -> None:
    response = session_client.post(PREVIEW, form_data(timestamp_color=DEFAULT_TIMESTAMP_COLOR))
    assert response.json()["warnings"] == []


def test_the_form_shows_the_snippet_and_the_creator(session_client: Client, admin: User) -> None:
    webchat = factories.WebchatFactory.create(user=admin)
    page = session_client.get(change_url(webchat)).content.decode()
    assert f"embed.js&quot; data-webchat=&quot;{webchat.pk}&quot; async&gt;" in page
    assert f"by {admin.full_name}" in page


def test_a_save_changes_the_version(
    session_client: Client, form_data: FormData, admin: User
) -> None:
    webchat = factories.WebchatFactory.create(user=admin)
    before = webchat.row_version
    session_client.post(change_url(webchat), form_data(name="Renamed"))
    webchat.refresh_from_db()
    assert webchat.name == "Renamed"
    assert webchat.row_version != before


def test_invalid_values_of_a_stored_webchat_are_errors_of_the_form(
    session_client: Client, form_data: FormData, webchat: Webchat
) -> None:
    response = session_client.post(change_url(webchat), form_data(primary_color="red", name=""))
    assert response.status_code == 200
    assert get_errors(response).keys() == {"name", "primary_color"}
    assert f"<h1>{webchat.name}</h1>" in response.content.decode()


def test_only_prompt_is_selected_in_a_new_form(session_client: Client, admin: User) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    factories.PromptFactory.create(organization=admin.organization, is_active=False)
    option = f'<option value="{prompt.pk}" selected>'
    assert option in session_client.get(ADD).content.decode()
    factories.PromptFactory.create(organization=admin.organization)
    assert option not in session_client.get(ADD).content.decode()
