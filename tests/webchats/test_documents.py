"""The document of a webchat in the API: create, read, update, delete."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from organizations.models import User
from tests.support import factories
from tests.webchats.api import validation_errors
from webchats import examples
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

OPTIONAL_DEFAULTS: dict[str, Any] = {
    "description": "",
    "starterMessage": "",
    "icon": None,
    "headerTextColor": "#FFFFFF",
    "statusTextColor": "#6B7280",
    "timestampColor": "#9CA3AF",
    "csatBackgroundColor": "#F3F4F6",
    "csatTextColor": "#111827",
    "statusText": "",
    "csatThankYouMessage": "",
    "isSurveyEnabled": True,
    "pipelineId": None,
    "pipelineStage": None,
    "isAutopilot": False,
    "isAutoAssigned": False,
    "isEnabled": True,
    "position": "bottom-right",
    "offsetX": 24,
    "offsetY": 24,
    "zIndex": 9999,
}
REQUIRED = (
    "name",
    "backgroundColor",
    "primaryColor",
    "secondaryColor",
    "promptId",
    "allowedDomains",
    "initialStage",
)

# --- Create ---


def test_documented_request_returns_documented_document(api_client: APIClient, admin: User) -> None:
    pipeline = factories.PipelineFactory.create(
        id=examples.PIPELINE_ID, organization=admin.organization
    )
    factories.StageFactory.create(id=examples.STAGE_ID, pipeline=pipeline)
    factories.PromptFactory.create(id=examples.PROMPT_ID, organization=admin.organization)
    response = api_client.post("/api/webchats", examples.REQUEST)
    assert response.status_code == 201
    assert response.json()["message"] == "Webchat configuration created"
    document = response.json()["data"]
    assert document.keys() == examples.DOCUMENT.keys()
    assert document.items() >= examples.REQUEST.items()
    assert response.headers["Location"] == f"/api/webchats/{document['_id']}"
    assert Webchat.objects.get().pk == document["_id"]


def test_new_webchat_belongs_to_its_creator(
    api_client: APIClient, admin: User, body: dict[str, Any]
) -> None:
    document = api_client.post("/api/webchats", body).json()["data"]
    assert document["organizationId"] == admin.organization_id
    assert document["userId"] == document["createdBy"] == admin.pk


def test_omitted_optional_fields_get_defaults(api_client: APIClient, body: dict[str, Any]) -> None:
    document = api_client.post("/api/webchats", body).json()["data"]
    assert document.items() >= OPTIONAL_DEFAULTS.items()


def test_null_sets_optional_fields_to_their_defaults(
    api_client: APIClient, body: dict[str, Any]
) -> None:
    response = api_client.post("/api/webchats", body | dict.fromkeys(OPTIONAL_DEFAULTS))
    assert response.json()["data"].items() >= OPTIONAL_DEFAULTS.items()


def test_null_resets_changed_fields_to_their_defaults(
    api_client: APIClient, webchat: Webchat
) -> None:
    api_client.put(f"/api/webchats/{webchat.pk}", {"zIndex": 5, "position": "top-left"})
    response = api_client.put(f"/api/webchats/{webchat.pk}", {"zIndex": None, "position": None})
    webchat.refresh_from_db()
    assert response.status_code == 200
    assert (webchat.z_index, webchat.position) == (9999, "bottom-right")


def test_response_reports_all_missing_required_fields(api_client: APIClient) -> None:
    assert validation_errors(api_client.post("/api/webchats", {})) == dict.fromkeys(
        REQUIRED, "required"
    )
    assert not Webchat.objects.exists()


@pytest.mark.parametrize("name", REQUIRED)
def test_create_rejects_null_for_required_field(
    api_client: APIClient, body: dict[str, Any], name: str
) -> None:
    assert validation_errors(api_client.post("/api/webchats", body | {name: None})) == {
        name: "null"
    }


@pytest.mark.parametrize("name", REQUIRED)
def test_update_rejects_null_for_required_field(
    api_client: APIClient, webchat: Webchat, name: str
) -> None:
    assert validation_errors(api_client.put(f"/api/webchats/{webchat.pk}", {name: None})) == {
        name: "null"
    }


def test_read_only_and_unknown_fields_are_ignored(
    api_client: APIClient, admin: User, body: dict[str, Any]
) -> None:
    sent = {"_id": "0" * 24, "userId": "0" * 24, "createdAt": "x", "entryStage": 1, "nonsense": []}
    response = api_client.post("/api/webchats", body | sent)
    assert response.status_code == 201
    assert response.json()["data"]["_id"] != "0" * 24
    assert response.json()["data"]["userId"] == admin.pk


def test_response_lists_the_names_that_the_document_does_not_have(
    api_client: APIClient, webchat: Webchat, body: dict[str, Any]
) -> None:
    sent = {"statusTxt": "x", "_id": "0" * 24, "offset_x": 3}
    created = api_client.post("/api/webchats", body | sent)
    assert created.status_code == 201
    assert created.json()["ignored"] == ["statusTxt", "offset_x"]
    updated = api_client.put(f"/api/webchats/{webchat.pk}", {"nonsense": 1, "name": "New"})
    assert updated.json()["ignored"] == ["nonsense"]
    assert updated.json()["data"]["name"] == "New"


def test_response_has_no_list_of_ignored_names_without_any(
    api_client: APIClient, webchat: Webchat
) -> None:
    path = f"/api/webchats/{webchat.pk}"
    response = api_client.put(path, api_client.get(path).json()["data"])
    assert response.json().keys() == {"message", "data"}


@pytest.mark.parametrize(
    "sent", ["primary_color", "PrimaryColor", "primaryColour", "primary-color"]
)
def test_error_of_a_missing_field_names_its_misspelling(
    api_client: APIClient, body: dict[str, Any], sent: str
) -> None:
    body[sent] = body.pop("primaryColor")
    response = api_client.post("/api/webchats", body)
    assert response.status_code == 400
    (detail,) = response.json()["details"]
    assert (detail["field"], detail["code"]) == ("primaryColor", "required")
    expected = f'This field is required. You sent "{sent}": the name is "primaryColor".'
    assert detail["message"] == expected


def test_misspellings_are_searched_in_few_names(
    api_client: APIClient, body: dict[str, Any]
) -> None:
    body["primary_color"] = body.pop("primaryColor")
    others = {f"other{number}": 1 for number in range(100)}
    (detail,) = api_client.post("/api/webchats", others | body).json()["details"]
    assert detail["message"] == "This field is required."
    # A comparison with a long name takes long, too.
    long = {"primaryColor" * 10: 1}
    (detail,) = api_client.post("/api/webchats", long | body).json()["details"]
    assert 'You sent "primary_color"' in detail["message"]


def test_error_of_a_missing_field_names_no_other_field(
    api_client: APIClient, body: dict[str, Any]
) -> None:
    del body["primaryColor"]
    (detail,) = api_client.post("/api/webchats", body | {"shade": "#FFF"}).json()["details"]
    assert detail["message"] == "This field is required."


def test_error_of_a_choice_lists_the_choices(api_client: APIClient, webchat: Webchat) -> None:
    response = api_client.put(f"/api/webchats/{webchat.pk}", {"position": "bottomright"})
    (detail,) = response.json()["details"]
    expected = "Must be one of: bottom-right, bottom-left, top-right, top-left."
    assert (detail["code"], detail["message"]) == ("invalid_choice", expected)


def test_error_of_domains_shows_a_list(api_client: APIClient, webchat: Webchat) -> None:
    response = api_client.put(f"/api/webchats/{webchat.pk}", {"allowedDomains": "example.com"})
    (detail,) = response.json()["details"]
    assert detail["message"] == 'Must be a list of strings, such as ["example.com"].'


# --- Read, update, delete ---


def test_unchanged_document_can_be_sent_back(api_client: APIClient, webchat: Webchat) -> None:
    path = f"/api/webchats/{webchat.pk}"
    document = api_client.get(path).json()["data"]
    response = api_client.put(path, document)
    assert response.status_code == 200
    assert response.json()["message"] == "Webchat configuration updated"
    assert response.json()["data"] | {"updatedAt": ""} == document | {"updatedAt": ""}


@pytest.mark.parametrize("method", ["put", "patch"])
def test_omitted_fields_keep_their_values(
    api_client: APIClient, webchat: Webchat, method: str
) -> None:
    response = getattr(api_client, method)(f"/api/webchats/{webchat.pk}", {"description": "New"})
    assert response.status_code == 200
    before = webchat.name
    webchat.refresh_from_db()
    assert (webchat.description, webchat.name) == ("New", before)


def test_update_writes_only_the_changed_columns(
    api_client: APIClient, webchat: Webchat, django_assert_num_queries: Any
) -> None:
    # The user, SAVEPOINT, the row, UPDATE, the version for the history, RELEASE SAVEPOINT.
    with django_assert_num_queries(6) as captured:
        api_client.patch(f"/api/webchats/{webchat.pk}", {"description": "New"})
    (update,) = [query["sql"] for query in captured if query["sql"].startswith("UPDATE")]
    assert update.split(" SET ")[1].split(" WHERE ")[0].count(" = ") == 2
    assert '"description" = ' in update
    assert '"updated_at" = ' in update


def test_update_changes_updated_at_but_not_created_at(
    api_client: APIClient, webchat: Webchat
) -> None:
    path = f"/api/webchats/{webchat.pk}"
    before = api_client.get(path).json()["data"]
    after = api_client.put(path, {"name": "Renamed"}).json()["data"]
    assert after["createdAt"] == before["createdAt"]
    assert after["updatedAt"] > before["updatedAt"]


def test_invalid_update_changes_nothing(api_client: APIClient, webchat: Webchat) -> None:
    response = api_client.put(f"/api/webchats/{webchat.pk}", {"description": "New", "zIndex": 0})
    assert validation_errors(response) == {"zIndex": "min_value"}
    webchat.refresh_from_db()
    assert webchat.description == ""


def test_creator_cannot_be_changed(
    api: Any, api_client: APIClient, webchat: Webchat, admin: User
) -> None:
    other = factories.UserFactory.create(organization=admin.organization)
    sent = {"createdBy": other.pk, "userId": other.pk}
    document = api(other).put(f"/api/webchats/{webchat.pk}", sent).json()["data"]
    assert (document["createdBy"], document["userId"]) == (admin.pk, admin.pk)


def test_deleted_webchat_returns_404(api_client: APIClient, webchat: Webchat) -> None:
    path = f"/api/webchats/{webchat.pk}"
    response = api_client.delete(path)
    assert (response.status_code, response.json()) == (
        200,
        {"message": "Webchat configuration deleted"},
    )
    assert api_client.get(path).status_code == 404
    assert not Webchat.objects.exists()


def test_timestamps_are_utc_with_milliseconds(api_client: APIClient, webchat: Webchat) -> None:
    Webchat.objects.update(created_at="2026-03-12T11:00:00.000999+01:00")
    document = api_client.get(f"/api/webchats/{webchat.pk}").json()["data"]
    assert document["createdAt"] == "2026-03-12T10:00:00.000Z"


# --- Superusers ---


def test_superuser_creates_webchat_in_the_given_organization(
    api: Any, superuser: User, admin: User, body: dict[str, Any]
) -> None:
    sent = body | {"organizationId": admin.organization_id}
    document = api(superuser).post("/api/webchats", sent).json()["data"]
    assert document["organizationId"] == admin.organization_id
    assert document["createdBy"] == superuser.pk


def test_superuser_must_send_a_known_organization(
    api: Any, superuser: User, body: dict[str, Any]
) -> None:
    client = api(superuser)
    assert validation_errors(client.post("/api/webchats", body)) == {"organizationId": "required"}
    unknown = body | {"organizationId": "0" * 24}
    assert (
        validation_errors(client.post("/api/webchats", unknown))["organizationId"]
        == "does_not_exist"
    )


def test_superuser_cannot_use_prompt_of_another_organization(
    api: Any, superuser: User, other_admin: User, body: dict[str, Any]
) -> None:
    sent = body | {"organizationId": other_admin.organization_id}
    response = api(superuser).post("/api/webchats", sent)
    assert validation_errors(response) == {"promptId": "does_not_exist"}
    assert not Webchat.objects.exists()


def test_superuser_cannot_move_a_webchat(
    api: Any, superuser: User, other_admin: User, webchat: Webchat
) -> None:
    sent = {"organizationId": other_admin.organization_id}
    assert api(superuser).put(f"/api/webchats/{webchat.pk}", sent).status_code == 200
    before = webchat.organization_id
    webchat.refresh_from_db()
    assert webchat.organization_id == before
