"""The API of webchats: fields, defaults and validation of the document."""

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from organizations.models import Pipeline, Prompt, Stage, User
from tests.support import factories
from tests.support.responses import error_codes
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
    "pipelineId": None,
    "pipelineStage": None,
    "isAutopilot": False,
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
COLORS = (
    "backgroundColor",
    "primaryColor",
    "secondaryColor",
    "headerTextColor",
    "statusTextColor",
    "timestampColor",
    "csatBackgroundColor",
    "csatTextColor",
)


@pytest.fixture
def prompt(admin: User) -> Prompt:
    return factories.PromptFactory.create(organization=admin.organization)


@pytest.fixture
def pipeline(admin: User) -> Pipeline:
    return factories.PipelineFactory.create(organization=admin.organization)


@pytest.fixture
def stage(pipeline: Pipeline) -> Stage:
    return factories.StageFactory.create(pipeline=pipeline, name="Hot Leads", slug="hot")


@pytest.fixture
def webchat(admin: User, prompt: Prompt) -> Webchat:
    return factories.WebchatFactory.create(user=admin, prompt=prompt)


@pytest.fixture
def body(prompt: Prompt) -> dict[str, Any]:
    """A valid body with the required fields only."""
    return {
        "name": "Shop",
        "backgroundColor": "#FFFFFF",
        "primaryColor": "#1F2937",
        "secondaryColor": "#3B82F6",
        "promptId": prompt.pk,
        "allowedDomains": [],
        "initialStage": "new",
    }


def post_escaped(client: APIClient, body: dict[str, Any]) -> Any:
    """Post a body as ASCII JSON. The client's own encoder fails on lone surrogates."""
    return client.post("/api/webchats", json.dumps(body), content_type="application/json")


def validation_errors(response: Any) -> dict[str, str]:
    """Return the code of each field's error in a ``validation_error`` response."""
    assert response.json()["code"] == "validation_error"
    return error_codes(response)


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


# --- Validation of fields ---


@pytest.mark.parametrize("name", COLORS)
@pytest.mark.parametrize("value", ["red", "#12", "#12345", "#1234567", "#GGGGGG", "1F2937", ""])
def test_invalid_hex_color_is_rejected(
    api_client: APIClient, body: dict[str, Any], name: str, value: str
) -> None:
    assert validation_errors(api_client.post("/api/webchats", body | {name: value})).keys() == {
        name
    }


def test_white_space_around_a_color_is_removed(api_client: APIClient, body: dict[str, Any]) -> None:
    api_client.post("/api/webchats", body | {"primaryColor": "#FFFFFF\n"})
    assert Webchat.objects.get().primary_color == "#FFFFFF"


@pytest.mark.parametrize("value", ["\u0660#FFFFF", "#FFFFF\u0660"])
def test_color_with_non_ascii_digit_is_rejected(
    api_client: APIClient, body: dict[str, Any], value: str
) -> None:
    response = api_client.post("/api/webchats", body | {"primaryColor": value})
    assert validation_errors(response).keys() == {"primaryColor"}


def test_short_color_is_expanded_and_keeps_its_case(
    api_client: APIClient, body: dict[str, Any]
) -> None:
    response = api_client.post("/api/webchats", body | {"primaryColor": "#aBc"})
    assert response.json()["data"]["primaryColor"] == "#aaBBcc"
    assert Webchat.objects.get().primary_color == "#aaBBcc"


@pytest.mark.parametrize(
    ("name", "max_length"),
    [
        ("name", 120),
        ("initialStage", 120),
        ("description", 2000),
        ("starterMessage", 1000),
        ("statusText", 200),
        ("csatThankYouMessage", 500),
    ],
)
def test_text_is_trimmed_before_its_length_is_checked(
    api_client: APIClient, body: dict[str, Any], name: str, max_length: int
) -> None:
    fits = api_client.post("/api/webchats", body | {name: f"  {'é' * max_length}\n"})
    too_long = api_client.post("/api/webchats", body | {name: "é" * (max_length + 1)})
    assert fits.json()["data"][name] == "é" * max_length
    assert validation_errors(too_long) == {name: "max_length"}


@pytest.mark.parametrize("name", ["name", "initialStage"])
@pytest.mark.parametrize("value", ["", "   ", "\t\n"])
def test_required_text_cannot_be_blank(
    api_client: APIClient, body: dict[str, Any], name: str, value: str
) -> None:
    assert validation_errors(api_client.post("/api/webchats", body | {name: value})) == {
        name: "blank"
    }


@pytest.mark.parametrize(
    ("name", "bounds"),
    [("offsetX", [0, 200]), ("offsetY", [0, 200]), ("zIndex", [1, 2147483647])],
)
def test_number_outside_its_range_is_rejected(
    api_client: APIClient, body: dict[str, Any], name: str, bounds: list[int]
) -> None:
    low, high = bounds
    for bound in bounds:
        assert api_client.post("/api/webchats", body | {name: bound}).status_code == 201
    assert validation_errors(api_client.post("/api/webchats", body | {name: low - 1})) == {
        name: "min_value"
    }
    assert validation_errors(api_client.post("/api/webchats", body | {name: high + 1})) == {
        name: "max_value"
    }
    assert validation_errors(api_client.post("/api/webchats", body | {name: 10**30})) == {
        name: "max_value"
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("isEnabled", "yes"),
        ("isEnabled", 1),
        ("isAutopilot", "true"),
        ("offsetX", "24"),
        ("offsetX", True),
        ("offsetX", 1.5),
        ("offsetX", [1]),
        ("name", 5),
        ("name", True),
        ("name", ["Shop"]),
        ("name", {"a": 1}),
        ("allowedDomains", "example.com"),
        ("allowedDomains", {"0": "example.com"}),
        ("promptId", 5),
        ("promptId", ["x"]),
        ("pipelineId", {}),
        ("position", 1),
        ("position", "center"),
        ("icon", 5),
        ("primaryColor", 123456),
    ],
)
def test_value_of_wrong_type_is_rejected(
    api_client: APIClient, body: dict[str, Any], name: str, value: Any
) -> None:
    response = api_client.post("/api/webchats", body | {name: value})
    assert validation_errors(response).keys() == {name}
    assert not Webchat.objects.exists()


@pytest.mark.parametrize("value", ["a\x00b", "\ud800", "x\udfff"])
@pytest.mark.parametrize("name", ["name", "description", "initialStage", "icon", "primaryColor"])
def test_text_that_cannot_be_stored_is_rejected(
    api_client: APIClient, body: dict[str, Any], name: str, value: str
) -> None:
    assert validation_errors(post_escaped(api_client, body | {name: value})).keys() == {name}


@pytest.mark.parametrize("name", ["promptId", "pipelineId", "pipelineStage"])
@pytest.mark.parametrize(
    "value", ["", "x", "0" * 24, "A" * 24, "\x00" * 24, "\ud800", " ", "1" * 999]
)
def test_unknown_or_malformed_id_is_rejected(
    api_client: APIClient, body: dict[str, Any], name: str, value: str
) -> None:
    assert name in validation_errors(post_escaped(api_client, body | {name: value}))


def test_response_reports_all_invalid_fields(
    api_client: APIClient, body: dict[str, Any], pipeline: Pipeline
) -> None:
    invalid = {
        "name": " ",
        "primaryColor": "red",
        "offsetX": 999,
        "isEnabled": "yes",
        "promptId": "0" * 24,
        "allowedDomains": ["ok.example.com", "http://a b", 5, "*"],
        "pipelineId": pipeline.pk,
    }
    fields = validation_errors(api_client.post("/api/webchats", body | invalid)).keys()
    assert fields >= {"name", "primaryColor", "offsetX", "isEnabled", "promptId", "initialStage"}
    assert "allowedDomains.2" in fields


def test_all_invalid_domains_are_reported_when_some_are_not_strings(
    api_client: APIClient, body: dict[str, Any]
) -> None:
    domains = ["http://a.b/path", 5, "ok.example.com", None, "", "*"]
    fields = validation_errors(
        api_client.post("/api/webchats", body | {"allowedDomains": domains})
    ).keys()
    assert fields == {f"allowedDomains.{index}" for index in (0, 1, 3, 4, 5)}


def test_stage_of_unknown_pipeline_gets_no_error(
    api_client: APIClient, body: dict[str, Any], stage: Stage
) -> None:
    sent = {"pipelineId": "0" * 24, "pipelineStage": stage.pk}
    assert validation_errors(api_client.post("/api/webchats", body | sent)) == {
        "pipelineId": "does_not_exist"
    }


def test_error_of_a_domain_has_its_index(api_client: APIClient, body: dict[str, Any]) -> None:
    domains = ["example.com", "https://example.com/path", "*", "EXAMPLE.com."]
    response = api_client.post("/api/webchats", body | {"allowedDomains": domains})
    assert validation_errors(response).keys() == {"allowedDomains.1", "allowedDomains.2"}


def test_domains_are_stored_in_canonical_form(api_client: APIClient, body: dict[str, Any]) -> None:
    domains = ["Example.COM.", "https://Faß.de:443/", "example.com", "*.A.example"]
    document = api_client.post("/api/webchats", body | {"allowedDomains": domains}).json()["data"]
    canonical = ["example.com", "https://xn--fa-hia.de", "*.a.example"]
    assert document["allowedDomains"] == canonical
    assert Webchat.objects.get().allowed_domains == canonical


def test_more_than_100_domains_are_rejected(api_client: APIClient, body: dict[str, Any]) -> None:
    domains = [f"a{number}.example.com" for number in range(101)]
    too_long = api_client.post("/api/webchats", body | {"allowedDomains": domains})
    fits = api_client.post("/api/webchats", body | {"allowedDomains": domains[:100]})
    assert validation_errors(too_long) == {"allowedDomains": "max_length"}
    assert fits.status_code == 201


# --- Prompt ---


def test_inactive_prompt_is_rejected(
    api_client: APIClient, body: dict[str, Any], prompt: Prompt
) -> None:
    Prompt.objects.filter(pk=prompt.pk).update(is_active=False)
    assert validation_errors(api_client.post("/api/webchats", body)) == {"promptId": "inactive"}


def test_webchat_with_deactivated_prompt_can_be_changed(
    api_client: APIClient, webchat: Webchat
) -> None:
    Prompt.objects.update(is_active=False)
    document = api_client.get(f"/api/webchats/{webchat.pk}").json()["data"]
    response = api_client.put(f"/api/webchats/{webchat.pk}", document | {"name": "Renamed"})
    assert response.status_code == 200
    webchat.refresh_from_db()
    assert webchat.name == "Renamed"


# --- Pipeline and stages ---


@pytest.mark.parametrize("text", ["Hot Leads", "hot leads", "HOT"])
def test_initial_stage_matches_name_or_slug_of_a_stage(
    api_client: APIClient, body: dict[str, Any], pipeline: Pipeline, stage: Stage, text: str
) -> None:
    sent = {"pipelineId": pipeline.pk, "initialStage": text}
    response = api_client.post("/api/webchats", body | sent)
    assert response.json()["data"]["initialStage"] == text
    assert Webchat.objects.get().entry_stage == stage


def test_initial_stage_missing_from_the_pipeline_is_rejected(
    api_client: APIClient, body: dict[str, Any], pipeline: Pipeline, stage: Stage
) -> None:
    response = api_client.post("/api/webchats", body | {"pipelineId": pipeline.pk})
    assert validation_errors(response) == {"initialStage": "does_not_exist"}
    assert "Hot Leads" in response.json()["details"][0]["message"]


def test_initial_stage_cannot_match_an_inactive_stage(
    api_client: APIClient, body: dict[str, Any], pipeline: Pipeline, stage: Stage
) -> None:
    Stage.objects.update(is_active=False)
    sent = {"pipelineId": pipeline.pk, "initialStage": "hot"}
    assert validation_errors(api_client.post("/api/webchats", body | sent)) == {
        "initialStage": "does_not_exist"
    }


def test_pipeline_stage_takes_precedence_over_initial_stage(
    api_client: APIClient, body: dict[str, Any], pipeline: Pipeline, stage: Stage
) -> None:
    sent = {"pipelineId": pipeline.pk, "pipelineStage": stage.pk, "initialStage": "anything"}
    assert api_client.post("/api/webchats", body | sent).status_code == 201
    assert Webchat.objects.get().entry_stage == stage
    assert Webchat.objects.get().initial_stage == "anything"


def test_webchat_without_pipeline_has_no_entry_stage(
    api_client: APIClient, body: dict[str, Any]
) -> None:
    assert api_client.post("/api/webchats", body).status_code == 201
    assert Webchat.objects.get().entry_stage is None


def test_pipeline_stage_without_pipeline_is_rejected(
    api_client: APIClient, body: dict[str, Any], stage: Stage
) -> None:
    response = api_client.post("/api/webchats", body | {"pipelineStage": stage.pk})
    assert validation_errors(response) == {"pipelineStage": "invalid"}


def test_stage_of_another_pipeline_is_rejected(
    api_client: APIClient, body: dict[str, Any], admin: User, stage: Stage
) -> None:
    other = factories.PipelineFactory.create(organization=admin.organization)
    sent = {"pipelineId": other.pk, "pipelineStage": stage.pk}
    assert validation_errors(api_client.post("/api/webchats", body | sent)) == {
        "pipelineStage": "does_not_exist"
    }


def test_pipeline_cannot_be_removed_while_its_stage_is_set(
    api_client: APIClient, webchat: Webchat, stage: Stage
) -> None:
    path = f"/api/webchats/{webchat.pk}"
    placement = {"pipelineId": stage.pipeline_id, "pipelineStage": stage.pk}
    assert api_client.put(path, placement).status_code == 200
    assert validation_errors(api_client.put(path, {"pipelineId": None})) == {
        "pipelineStage": "invalid"
    }
    assert api_client.put(path, dict.fromkeys(placement)).status_code == 200
    webchat.refresh_from_db()
    assert (webchat.pipeline, webchat.pipeline_stage, webchat.entry_stage) == (None, None, None)


@pytest.mark.parametrize("resource", ["prompts", "pipelines"])
def test_prompt_or_pipeline_in_use_cannot_be_deleted(
    api_client: APIClient, webchat: Webchat, stage: Stage, resource: str
) -> None:
    api_client.put(
        f"/api/webchats/{webchat.pk}", {"pipelineId": stage.pipeline_id, "initialStage": "hot"}
    )
    key = {"prompts": webchat.prompt_id, "pipelines": stage.pipeline_id}[resource]
    response = api_client.delete(f"/api/{resource}/{key}")
    assert (response.status_code, response.json()["code"]) == (409, "in_use")
    assert "It is in use by 1 webchat" in response.json()["error"]
    assert api_client.get(f"/api/{resource}/{key}").status_code == 200


@pytest.mark.parametrize("by_id", [True, False])
def test_entry_stage_of_a_webchat_cannot_be_deleted(
    api_client: APIClient, webchat: Webchat, stage: Stage, by_id: bool
) -> None:
    placement: dict[str, Any] = {"pipelineId": stage.pipeline_id, "initialStage": "hot"}
    if by_id:
        placement |= {"pipelineStage": stage.pk, "initialStage": "label"}
    assert api_client.put(f"/api/webchats/{webchat.pk}", placement).status_code == 200
    response = api_client.put(
        f"/api/pipelines/{stage.pipeline_id}", {"stages": [{"name": "Other"}]}
    )
    assert (response.status_code, response.json()["code"]) == (409, "in_use")
    assert [stored.name for stored in Stage.objects.all()] == ["Hot Leads"]


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
