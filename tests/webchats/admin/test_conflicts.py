"""Forms of the admin site that were opened before somebody else changed the row."""

from typing import Any

import pytest
from django.test import Client

from organizations.models import Organization, Pipeline, Prompt, User
from tests.organizations.admin.test_pipelines import stage_data
from tests.organizations.admin.urls import list_url
from tests.support import factories
from tests.support.clients import log_in, token_client
from tests.webchats.admin.pages import FormData, change_url, get_errors
from tests.webchats.imports.files import import_content, to_csv
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


@pytest.fixture
def hedy(admin: User) -> User:
    """Another administrator of the organization."""
    return factories.UserFactory.create(organization=admin.organization, full_name="Hedy Lamarr")


@pytest.fixture
def opened(webchat: Webchat, form_data: FormData) -> dict[str, Any]:
    """The values of the webchat's form, with the version it was opened with."""
    webchat.refresh_from_db()
    return form_data(name=webchat.name, prompt=webchat.prompt_id, version=webchat.row_version)


def change_in_admin(user: User, webchat: Webchat, body: dict[str, Any]) -> None:
    changed = {**body, "status_text": "Theirs"}
    assert log_in(user).post(change_url(webchat), changed).status_code == 302


def change_by_api(user: User, webchat: Webchat, body: dict[str, Any]) -> None:
    response = token_client(user).patch(f"/api/webchats/{webchat.pk}", {"statusText": "Theirs"})
    assert response.status_code == 200


def change_by_import(user: User, webchat: Webchat, body: dict[str, Any]) -> None:
    factories.PromptFactory.create(organization=user.organization, name="Sales")
    row = {"_id": webchat.pk, "statusText": "Theirs"}
    result = import_content(to_csv(row, more=("_id", "statusText")), user, update=True)
    assert result.updated == 1


def get_values(response: Any, *names: str) -> dict[str, Any]:
    """Return the values of the form that a response shows."""
    form = response.context["adminform"].form
    return {name: form[name].value() for name in names}


@pytest.mark.parametrize("change", [change_in_admin, change_by_api, change_by_import])
def test_save_over_the_change_of_another_user_is_refused(
    session_client: Client, hedy: User, webchat: Webchat, opened: dict[str, Any], change: Any
) -> None:
    change(hedy, webchat, opened)
    response = session_client.post(change_url(webchat), {**opened, "name": "Mine"})
    assert response.status_code == 200
    conflict = response.context["adminform"].form.conflict
    assert conflict.summary == "Hedy Lamarr changed this webchat while you were editing."
    assert ("status text", "Theirs", None) in [
        (field.label, field.theirs, field.mine) for field in conflict.fields
    ]
    webchat.refresh_from_db()
    assert (webchat.name != "Mine", webchat.status_text) == (True, "Theirs")


def test_conflict_shows_author_and_fields_and_offers_both_values(
    session_client: Client, hedy: User, webchat: Webchat, opened: dict[str, Any]
) -> None:
    change_by_api(hedy, webchat, opened)
    mine = {**opened, "name": "Mine", "status_text": "Mine too"}
    page = session_client.post(change_url(webchat), mine).content.decode()
    for text in (
        "Hedy Lamarr changed this webchat while you were editing.",
        '<th scope="row">Status text</th><td data-label="Theirs">Theirs</td>'
        '<td data-label="Yours">Mine too</td>',
        '<input type="submit" name="_save" value="Keep mine"',
        f'<a class="button" href="{change_url(webchat)}" data-discard>Take theirs</a>',
    ):
        assert text in page
    # The usual buttons would overwrite the other change too.
    assert 'class="submit-row"' not in page


@pytest.mark.parametrize("button", ["_save", "_continue", "_addanother"])
def test_conflict_is_saved_by_the_button_that_was_pressed(
    session_client: Client, hedy: User, webchat: Webchat, opened: dict[str, Any], button: str
) -> None:
    change_by_api(hedy, webchat, opened)
    mine = {**opened, "name": "Mine", button: "Save"}
    page = session_client.post(change_url(webchat), mine).content.decode()
    assert f'<input type="submit" name="{button}" value="Save both"' in page


def test_conflict_of_different_fields_offers_to_save_both(
    session_client: Client, hedy: User, webchat: Webchat, opened: dict[str, Any]
) -> None:
    change_by_api(hedy, webchat, opened)
    page = session_client.post(change_url(webchat), {**opened, "name": "Mine"}).content.decode()
    assert '<input type="submit" name="_save" value="Save both"' in page
    assert "Keep mine" not in page


def test_keep_mine_saves_my_changes_and_keeps_the_other_changes(
    session_client: Client, hedy: User, webchat: Webchat, opened: dict[str, Any]
) -> None:
    changes = {"statusText": "Theirs", "offsetX": 5, "description": "Theirs", "isEnabled": False}
    token_client(hedy).patch(f"/api/webchats/{webchat.pk}", changes)
    mine = {**opened, "name": "Mine", "status_text": "Mine"}
    refused = session_client.post(change_url(webchat), mine)
    names = (*opened, "description", "is_enabled", "status_text")
    shown = get_values(refused, *names)
    assert (shown["status_text"], shown["offset_x"], shown["is_enabled"]) == ("Mine", "5", False)
    resubmitted = {name: value for name, value in shown.items() if value not in (None, False)}
    response = session_client.post(change_url(webchat), resubmitted)
    assert response.status_code == 302, get_errors(response)
    webchat.refresh_from_db()
    assert (webchat.name, webchat.status_text) == ("Mine", "Mine")
    assert (webchat.offset_x, webchat.description, webchat.is_enabled) == (5, "Theirs", False)


def test_take_theirs_shows_the_stored_values(
    session_client: Client, hedy: User, webchat: Webchat, opened: dict[str, Any]
) -> None:
    change_by_api(hedy, webchat, opened)
    session_client.post(change_url(webchat), {**opened, "status_text": "Mine"})
    response = session_client.get(change_url(webchat))
    webchat.refresh_from_db()
    expected = {"status_text": "Theirs", "version": webchat.row_version}
    assert get_values(response, *expected) == expected


def test_third_change_during_a_conflict_is_refused_too(
    session_client: Client, hedy: User, webchat: Webchat, opened: dict[str, Any]
) -> None:
    change_by_api(hedy, webchat, opened)
    mine = {**opened, "status_text": "Mine"}
    version = get_values(session_client.post(change_url(webchat), mine), "version")
    token_client(hedy).patch(f"/api/webchats/{webchat.pk}", {"statusText": "Theirs again"})
    response = session_client.post(change_url(webchat), {**mine, **version})
    assert response.context["adminform"].form.conflict.fields[0].theirs == "Theirs again"


def test_change_that_a_save_does_not_overwrite_is_no_conflict(
    session_client: Client, hedy: User, webchat: Webchat, opened: dict[str, Any]
) -> None:
    token_client(hedy).patch(f"/api/webchats/{webchat.pk}", {"name": "Same"})
    response = session_client.post(change_url(webchat), {**opened, "name": "Same"})
    assert response.status_code == 302, get_errors(response)


def test_own_change_in_another_window_is_named_as_such(
    session_client: Client, admin: User, webchat: Webchat, opened: dict[str, Any]
) -> None:
    change_in_admin(admin, webchat, opened)
    response = session_client.post(change_url(webchat), {**opened, "name": "Mine"})
    summary = response.context["adminform"].form.conflict.summary
    assert summary == "You changed this webchat in another window or by the API."
    page = response.content.decode()
    for text in ('scope="col">Saved<', 'scope="col">This form<', ">Use the saved values</a>"):
        assert text in page
    assert "Take theirs" not in page


@pytest.mark.parametrize("version", ["0", "zzz", "'", "9" * 400])
def test_unknown_version_is_a_conflict_of_all_fields_that_differ(
    session_client: Client, webchat: Webchat, opened: dict[str, Any], version: str
) -> None:
    body = {**opened, "name": "Mine", "version": version}
    conflict = session_client.post(change_url(webchat), body).context["adminform"].form.conflict
    assert conflict.summary == "Another user changed this webchat while you were editing."
    assert {field.label: field.mine for field in conflict.fields}["name"] == "Mine"


def test_preview_names_the_conflict_and_shows_the_unsaved_values(
    session_client: Client, hedy: User, webchat: Webchat, opened: dict[str, Any]
) -> None:
    change_by_api(hedy, webchat, opened)
    url = change_url(webchat).replace("/change/", "/preview/")
    preview = session_client.post(url, {**opened, "starter_message": "Mine"}).json()
    assert preview["errors"] == {
        "__all__": ["Hedy Lamarr changed this webchat while you were editing."]
    }
    assert "Mine" in preview["html"]


def test_related_rows_and_choices_are_shown_by_name(
    session_client: Client, admin: User, hedy: User, webchat: Webchat, opened: dict[str, Any]
) -> None:
    theirs, mine = (
        factories.PromptFactory.create(organization=admin.organization, name=name)
        for name in ("Their prompt", "My prompt")
    )
    changes = {"promptId": theirs.pk, "position": "top-left"}
    token_client(hedy).patch(f"/api/webchats/{webchat.pk}", changes)
    response = session_client.post(change_url(webchat), {**opened, "prompt": mine.pk})
    fields = response.context["adminform"].form.conflict.fields
    found = {field.label: (field.theirs, field.mine) for field in fields}
    assert found["prompt"] == ("Their prompt", "My prompt")
    assert found["position"] == ("Top left", None)


def test_values_of_a_conflict_are_escaped(
    session_client: Client, hedy: User, webchat: Webchat, opened: dict[str, Any]
) -> None:
    token_client(hedy).patch(f"/api/webchats/{webchat.pk}", {"statusText": "<img src=x>"})
    mine = {**opened, "status_text": "<b>mine</b>", "offset_x": "<u>"}
    page = session_client.post(change_url(webchat), mine).content.decode()
    assert "&lt;img src=x&gt;" in page
    assert "&lt;b&gt;mine&lt;/b&gt;" in page
    assert not any(tag in page for tag in ("<img src=x>", "<b>mine", "<u>"))


# --- Other rows ---


def test_prompt_and_organization_are_protected_too(
    session_client: Client, admin: User, hedy: User
) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    organization = admin.organization
    assert organization is not None
    for row, name in ((prompt, "name"), (organization, "name")):
        url = f"{list_url(type(row))}{row.pk}/change/"
        form = session_client.get(url).context["adminform"].form
        body = {key: form[key].value() or "" for key in form.fields}
        assert log_in(hedy).post(url, {**body, name: "Theirs"}).status_code == 302
        response = session_client.post(url, {**body, name: "Mine"})
        conflict = response.context["adminform"].form.conflict
        assert conflict.summary.startswith("Hedy Lamarr changed this ")
        assert type(row).objects.get(pk=row.pk).name == "Theirs"
    assert {Prompt, Organization} == {type(prompt), type(organization)}


def test_stages_that_another_user_changed_are_not_overwritten(
    session_client: Client, admin: User, hedy: User
) -> None:
    pipeline = factories.PipelineFactory.create(organization=admin.organization, name="Sales")
    url = f"{list_url(Pipeline)}{pipeline.pk}/change/"
    version = {"version": session_client.get(url).context["original"].row_version}
    api = token_client(hedy)
    api.put(f"/api/pipelines/{pipeline.pk}", {"stages": [{"name": "Theirs"}, {"name": "Won"}]})
    response = session_client.post(url, {**stage_data({"name": "Mine"}), **version})
    (stages,) = response.context["adminform"].form.conflict.fields
    assert (stages.label, stages.theirs) == ("stages", "Theirs → Won")
    assert [stage.name for stage in pipeline.stages.all()] == ["Theirs", "Won"]
