"""The webchat's document over the API: every field, default and rule."""

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from organizations.models import Pipeline, Prompt, Stage, User
from tests.support import factories
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
    """The least that a webchat needs."""
    return {
        "name": "Shop",
        "backgroundColor": "#FFFFFF",
        "primaryColor": "#1F2937",
        "secondaryColor": "#3B82F6",
        "promptId": prompt.pk,
        "allowedDomains": [],
        "initialStage": "new",
    }


def post(client: APIClient, body: dict[str, Any]) -> Any:
    """Send a body as it is: the client's own JSON refuses half characters."""
    return client.post("/api/webchats", json.dumps(body), content_type="application/json")


def refused(answer: Any) -> dict[str, str]:
    """The refused fields with the code of each."""
    assert answer.status_code == 400, answer.content
    assert answer.json()["code"] == "validation_error"
    return {detail["field"]: detail["code"] for detail in answer.json()["details"]}


# --- Create ---


def test_the_documented_request_answers_with_the_documented_document(
    api_client: APIClient, admin: User
) -> None:
    pipeline = factories.PipelineFactory.create(
        id=examples.PIPELINE_ID, organization=admin.organization
    )
    factories.StageFactory.create(id=examples.STAGE_ID, pipeline=pipeline)
    factories.PromptFactory.create(id=examples.PROMPT_ID, organization=admin.organization)
    answer = api_client.post("/api/webchats", examples.REQUEST)
    assert answer.status_code == 201
    assert answer.json()["message"] == "Webchat configuration created"
    document = answer.json()["data"]
    assert document.keys() == examples.DOCUMENT.keys()
    assert document.items() >= examples.REQUEST.items()
    assert answer.headers["Location"] == f"/api/webchats/{document['_id']}"
    assert Webchat.objects.get().pk == document["_id"]


def test_a_new_webchat_belongs_to_who_made_it(
    api_client: APIClient, admin: User, body: dict[str, Any]
) -> None:
    document = api_client.post("/api/webchats", body).json()["data"]
    assert document["organizationId"] == admin.organization_id
    assert document["userId"] == document["createdBy"] == admin.pk


def test_what_is_left_out_gets_its_default(api_client: APIClient, body: dict[str, Any]) -> None:
    document = api_client.post("/api/webchats", body).json()["data"]
    assert document.items() >= OPTIONAL_DEFAULTS.items()


def test_null_on_an_optional_field_means_its_default(
    api_client: APIClient, body: dict[str, Any]
) -> None:
    answer = api_client.post("/api/webchats", body | dict.fromkeys(OPTIONAL_DEFAULTS))
    assert answer.json()["data"].items() >= OPTIONAL_DEFAULTS.items()


def test_null_brings_a_changed_field_back_to_its_default(
    api_client: APIClient, webchat: Webchat
) -> None:
    api_client.put(f"/api/webchats/{webchat.pk}", {"zIndex": 5, "position": "top-left"})
    answer = api_client.put(f"/api/webchats/{webchat.pk}", {"zIndex": None, "position": None})
    webchat.refresh_from_db()
    assert answer.status_code == 200
    assert (webchat.z_index, webchat.position) == (9999, "bottom-right")


def test_every_required_field_is_missed_in_one_answer(api_client: APIClient) -> None:
    assert refused(api_client.post("/api/webchats", {})) == dict.fromkeys(REQUIRED, "required")
    assert not Webchat.objects.exists()


@pytest.mark.parametrize("name", REQUIRED)
def test_null_on_a_required_field_is_an_error(
    api_client: APIClient, body: dict[str, Any], name: str
) -> None:
    assert refused(api_client.post("/api/webchats", body | {name: None})) == {name: "null"}


@pytest.mark.parametrize("name", REQUIRED)
def test_null_on_a_required_field_is_an_error_when_updating(
    api_client: APIClient, webchat: Webchat, name: str
) -> None:
    assert refused(api_client.put(f"/api/webchats/{webchat.pk}", {name: None})) == {name: "null"}


def test_read_only_and_unknown_names_are_ignored(
    api_client: APIClient, admin: User, body: dict[str, Any]
) -> None:
    sent = {"_id": "0" * 24, "userId": "0" * 24, "createdAt": "x", "entryStage": 1, "nonsense": []}
    answer = api_client.post("/api/webchats", body | sent)
    assert answer.status_code == 201
    assert answer.json()["data"]["_id"] != "0" * 24
    assert answer.json()["data"]["userId"] == admin.pk


# --- Each rule ---


@pytest.mark.parametrize("name", COLORS)
@pytest.mark.parametrize("value", ["red", "#12", "#12345", "#1234567", "#GGGGGG", "1F2937", ""])
def test_what_is_no_hex_colour_is_refused(
    api_client: APIClient, body: dict[str, Any], name: str, value: str
) -> None:
    assert refused(api_client.post("/api/webchats", body | {name: value})).keys() == {name}


@pytest.mark.parametrize("value", ["#FFFFFF\n", "\u0660#FFFFF", "#FFFFF\u0660"])
def test_a_colour_with_something_odd_is_refused_or_trimmed(
    api_client: APIClient, body: dict[str, Any], value: str
) -> None:
    answer = api_client.post("/api/webchats", body | {"primaryColor": value})
    if answer.status_code == 201:
        assert Webchat.objects.get().primary_color == "#FFFFFF"
    else:
        assert refused(answer).keys() == {"primaryColor"}


def test_a_short_colour_is_stored_long_with_its_case(
    api_client: APIClient, body: dict[str, Any]
) -> None:
    answer = api_client.post("/api/webchats", body | {"primaryColor": "#aBc"})
    assert answer.json()["data"]["primaryColor"] == "#aaBBcc"
    assert Webchat.objects.get().primary_color == "#aaBBcc"


@pytest.mark.parametrize(
    ("name", "longest"),
    [
        ("name", 120),
        ("initialStage", 120),
        ("description", 2000),
        ("starterMessage", 1000),
        ("statusText", 200),
        ("csatThankYouMessage", 500),
    ],
)
def test_a_text_has_a_longest_length_after_trimming(
    api_client: APIClient, body: dict[str, Any], name: str, longest: int
) -> None:
    fits = api_client.post("/api/webchats", body | {name: f"  {'é' * longest}\n"})
    too_long = api_client.post("/api/webchats", body | {name: "é" * (longest + 1)})
    assert fits.json()["data"][name] == "é" * longest
    assert refused(too_long) == {name: "max_length"}


@pytest.mark.parametrize("name", ["name", "initialStage"])
@pytest.mark.parametrize("value", ["", "   ", "\t\n"])
def test_a_required_text_is_not_blank(
    api_client: APIClient, body: dict[str, Any], name: str, value: str
) -> None:
    assert refused(api_client.post("/api/webchats", body | {name: value})) == {name: "blank"}


@pytest.mark.parametrize(
    ("name", "values"),
    [("offsetX", [0, 200]), ("offsetY", [0, 200]), ("zIndex", [1, 2147483647])],
)
def test_a_number_has_bounds(
    api_client: APIClient, body: dict[str, Any], name: str, values: list[int]
) -> None:
    low, high = values
    for inside in values:
        assert api_client.post("/api/webchats", body | {name: inside}).status_code == 201
    assert refused(api_client.post("/api/webchats", body | {name: low - 1})) == {name: "min_value"}
    assert refused(api_client.post("/api/webchats", body | {name: high + 1})) == {name: "max_value"}
    assert refused(api_client.post("/api/webchats", body | {name: 10**30})) == {name: "max_value"}


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
def test_a_value_of_the_wrong_type_is_refused(
    api_client: APIClient, body: dict[str, Any], name: str, value: Any
) -> None:
    answer = api_client.post("/api/webchats", body | {name: value})
    assert refused(answer).keys() == {name}
    assert not Webchat.objects.exists()


@pytest.mark.parametrize("value", ["a\x00b", "\ud800", "x\udfff"])
@pytest.mark.parametrize("name", ["name", "description", "initialStage", "icon", "primaryColor"])
def test_text_that_cannot_be_stored_is_refused(
    api_client: APIClient, body: dict[str, Any], name: str, value: str
) -> None:
    assert refused(post(api_client, body | {name: value})).keys() == {name}


@pytest.mark.parametrize("name", ["promptId", "pipelineId", "pipelineStage"])
@pytest.mark.parametrize(
    "value", ["", "x", "0" * 24, "A" * 24, "\x00" * 24, "\ud800", " ", "1" * 999]
)
def test_an_id_that_names_nothing_is_refused(
    api_client: APIClient, body: dict[str, Any], name: str, value: str
) -> None:
    assert name in refused(post(api_client, body | {name: value}))


def test_every_wrong_field_is_named_in_one_answer(
    api_client: APIClient, body: dict[str, Any], pipeline: Pipeline
) -> None:
    wrong = {
        "name": " ",
        "primaryColor": "red",
        "offsetX": 999,
        "isEnabled": "yes",
        "promptId": "0" * 24,
        "allowedDomains": ["ok.example.com", "http://a b", 5, "*"],
        "pipelineId": pipeline.pk,
    }
    fields = refused(api_client.post("/api/webchats", body | wrong)).keys()
    assert fields >= {"name", "primaryColor", "offsetX", "isEnabled", "promptId", "initialStage"}
    assert "allowedDomains.2" in fields


def test_every_wrong_domain_is_named_whatever_is_wrong_with_it(
    api_client: APIClient, body: dict[str, Any]
) -> None:
    domains = ["http://a.b/path", 5, "ok.example.com", None, "", "*"]
    fields = refused(api_client.post("/api/webchats", body | {"allowedDomains": domains})).keys()
    assert fields == {f"allowedDomains.{index}" for index in (0, 1, 3, 4, 5)}


def test_a_right_stage_is_not_blamed_for_a_wrong_pipeline(
    api_client: APIClient, body: dict[str, Any], stage: Stage
) -> None:
    sent = {"pipelineId": "0" * 24, "pipelineStage": stage.pk}
    assert refused(api_client.post("/api/webchats", body | sent)) == {
        "pipelineId": "does_not_exist"
    }


def test_a_refused_domain_is_named_by_its_place(
    api_client: APIClient, body: dict[str, Any]
) -> None:
    domains = ["example.com", "https://example.com/path", "*", "EXAMPLE.com."]
    answer = api_client.post("/api/webchats", body | {"allowedDomains": domains})
    assert refused(answer).keys() == {"allowedDomains.1", "allowedDomains.2"}


def test_domains_are_stored_canonical(api_client: APIClient, body: dict[str, Any]) -> None:
    domains = ["Example.COM.", "https://Faß.de:443/", "example.com", "*.A.example"]
    document = api_client.post("/api/webchats", body | {"allowedDomains": domains}).json()["data"]
    canonical = ["example.com", "https://xn--fa-hia.de", "*.a.example"]
    assert document["allowedDomains"] == canonical
    assert Webchat.objects.get().allowed_domains == canonical


def test_the_list_of_domains_has_a_longest_length(
    api_client: APIClient, body: dict[str, Any]
) -> None:
    domains = [f"a{number}.example.com" for number in range(101)]
    too_long = api_client.post("/api/webchats", body | {"allowedDomains": domains})
    fits = api_client.post("/api/webchats", body | {"allowedDomains": domains[:100]})
    assert refused(too_long) == {"allowedDomains": "max_length"}
    assert fits.status_code == 201


# --- The prompt ---


def test_an_inactive_prompt_cannot_be_chosen(
    api_client: APIClient, body: dict[str, Any], prompt: Prompt
) -> None:
    Prompt.objects.filter(pk=prompt.pk).update(is_active=False)
    assert refused(api_client.post("/api/webchats", body)) == {"promptId": "inactive"}


def test_a_prompt_deactivated_since_does_not_block_other_changes(
    api_client: APIClient, webchat: Webchat
) -> None:
    Prompt.objects.update(is_active=False)
    document = api_client.get(f"/api/webchats/{webchat.pk}").json()["data"]
    answer = api_client.put(f"/api/webchats/{webchat.pk}", document | {"name": "Renamed"})
    assert answer.status_code == 200
    webchat.refresh_from_db()
    assert webchat.name == "Renamed"


# --- The pipeline and its stages ---


@pytest.mark.parametrize("text", ["Hot Leads", "hot leads", "HOT"])
def test_the_initial_stage_names_a_stage_of_the_pipeline(
    api_client: APIClient, body: dict[str, Any], pipeline: Pipeline, stage: Stage, text: str
) -> None:
    sent = {"pipelineId": pipeline.pk, "initialStage": text}
    answer = api_client.post("/api/webchats", body | sent)
    assert answer.json()["data"]["initialStage"] == text
    assert Webchat.objects.get().entry_stage == stage


def test_an_initial_stage_that_the_pipeline_does_not_have_is_refused(
    api_client: APIClient, body: dict[str, Any], pipeline: Pipeline, stage: Stage
) -> None:
    answer = api_client.post("/api/webchats", body | {"pipelineId": pipeline.pk})
    assert refused(answer) == {"initialStage": "does_not_exist"}
    assert "Hot Leads" in answer.json()["details"][0]["message"]


def test_an_inactive_stage_is_not_entered_by_name(
    api_client: APIClient, body: dict[str, Any], pipeline: Pipeline, stage: Stage
) -> None:
    Stage.objects.update(is_active=False)
    sent = {"pipelineId": pipeline.pk, "initialStage": "hot"}
    assert refused(api_client.post("/api/webchats", body | sent)) == {
        "initialStage": "does_not_exist"
    }


def test_a_chosen_stage_decides_and_the_initial_stage_is_a_label(
    api_client: APIClient, body: dict[str, Any], pipeline: Pipeline, stage: Stage
) -> None:
    sent = {"pipelineId": pipeline.pk, "pipelineStage": stage.pk, "initialStage": "anything"}
    assert api_client.post("/api/webchats", body | sent).status_code == 201
    assert Webchat.objects.get().entry_stage == stage
    assert Webchat.objects.get().initial_stage == "anything"


def test_without_a_pipeline_the_initial_stage_is_only_a_label(
    api_client: APIClient, body: dict[str, Any]
) -> None:
    assert api_client.post("/api/webchats", body).status_code == 201
    assert Webchat.objects.get().entry_stage is None


def test_a_stage_without_its_pipeline_is_refused(
    api_client: APIClient, body: dict[str, Any], stage: Stage
) -> None:
    answer = api_client.post("/api/webchats", body | {"pipelineStage": stage.pk})
    assert refused(answer) == {"pipelineStage": "invalid"}


def test_a_stage_of_another_pipeline_is_refused(
    api_client: APIClient, body: dict[str, Any], admin: User, stage: Stage
) -> None:
    other = factories.PipelineFactory.create(organization=admin.organization)
    sent = {"pipelineId": other.pk, "pipelineStage": stage.pk}
    assert refused(api_client.post("/api/webchats", body | sent)) == {
        "pipelineStage": "does_not_exist"
    }


def test_taking_the_pipeline_away_while_a_stage_is_chosen_is_refused(
    api_client: APIClient, webchat: Webchat, stage: Stage
) -> None:
    path = f"/api/webchats/{webchat.pk}"
    chosen = {"pipelineId": stage.pipeline_id, "pipelineStage": stage.pk}
    assert api_client.put(path, chosen).status_code == 200
    assert refused(api_client.put(path, {"pipelineId": None})) == {"pipelineStage": "invalid"}
    assert api_client.put(path, dict.fromkeys(chosen)).status_code == 200
    webchat.refresh_from_db()
    assert (webchat.pipeline, webchat.pipeline_stage, webchat.entry_stage) == (None, None, None)


@pytest.mark.parametrize("resource", ["prompts", "pipelines"])
def test_what_a_webchat_points_to_cannot_be_deleted(
    api_client: APIClient, webchat: Webchat, stage: Stage, resource: str
) -> None:
    api_client.put(
        f"/api/webchats/{webchat.pk}", {"pipelineId": stage.pipeline_id, "initialStage": "hot"}
    )
    key = {"prompts": webchat.prompt_id, "pipelines": stage.pipeline_id}[resource]
    answer = api_client.delete(f"/api/{resource}/{key}")
    assert (answer.status_code, answer.json()["code"]) == (409, "in_use")
    assert "It is in use by 1 webchat" in answer.json()["error"]
    assert api_client.get(f"/api/{resource}/{key}").status_code == 200


@pytest.mark.parametrize("chosen", [True, False])
def test_a_stage_that_a_webchat_enters_cannot_be_deleted(
    api_client: APIClient, webchat: Webchat, stage: Stage, chosen: bool
) -> None:
    placement: dict[str, Any] = {"pipelineId": stage.pipeline_id, "initialStage": "hot"}
    if chosen:
        placement |= {"pipelineStage": stage.pk, "initialStage": "label"}
    assert api_client.put(f"/api/webchats/{webchat.pk}", placement).status_code == 200
    answer = api_client.put(f"/api/pipelines/{stage.pipeline_id}", {"stages": [{"name": "Other"}]})
    assert (answer.status_code, answer.json()["code"]) == (409, "in_use")
    assert [kept.name for kept in Stage.objects.all()] == ["Hot Leads"]


# --- Read, update, delete ---


def test_a_document_can_be_put_back_as_it_was_read(api_client: APIClient, webchat: Webchat) -> None:
    path = f"/api/webchats/{webchat.pk}"
    document = api_client.get(path).json()["data"]
    answer = api_client.put(path, document)
    assert answer.status_code == 200
    assert answer.json()["message"] == "Webchat configuration updated"
    assert answer.json()["data"] | {"updatedAt": ""} == document | {"updatedAt": ""}


@pytest.mark.parametrize("verb", ["put", "patch"])
def test_what_is_not_sent_stays(api_client: APIClient, webchat: Webchat, verb: str) -> None:
    answer = getattr(api_client, verb)(f"/api/webchats/{webchat.pk}", {"description": "New"})
    assert answer.status_code == 200
    before = webchat.name
    webchat.refresh_from_db()
    assert (webchat.description, webchat.name) == ("New", before)


def test_an_update_writes_only_the_columns_sent(
    api_client: APIClient, webchat: Webchat, django_assert_num_queries: Any
) -> None:
    # User, savepoint, row, update, the version for the history, release.
    with django_assert_num_queries(6) as captured:
        api_client.patch(f"/api/webchats/{webchat.pk}", {"description": "New"})
    (update,) = [query["sql"] for query in captured if query["sql"].startswith("UPDATE")]
    assert update.split(" SET ")[1].split(" WHERE ")[0].count(" = ") == 2
    assert '"description" = ' in update
    assert '"updated_at" = ' in update


def test_an_update_moves_the_time_of_update_only(api_client: APIClient, webchat: Webchat) -> None:
    path = f"/api/webchats/{webchat.pk}"
    before = api_client.get(path).json()["data"]
    after = api_client.put(path, {"name": "Renamed"}).json()["data"]
    assert after["createdAt"] == before["createdAt"]
    assert after["updatedAt"] > before["updatedAt"]


def test_a_refused_update_changes_nothing(api_client: APIClient, webchat: Webchat) -> None:
    answer = api_client.put(f"/api/webchats/{webchat.pk}", {"description": "New", "zIndex": 0})
    assert refused(answer) == {"zIndex": "min_value"}
    webchat.refresh_from_db()
    assert webchat.description == ""


def test_the_creator_never_changes(
    api: Any, api_client: APIClient, webchat: Webchat, admin: User
) -> None:
    other = factories.UserFactory.create(organization=admin.organization)
    sent = {"createdBy": other.pk, "userId": other.pk}
    document = api(other).put(f"/api/webchats/{webchat.pk}", sent).json()["data"]
    assert (document["createdBy"], document["userId"]) == (admin.pk, admin.pk)


def test_a_deleted_webchat_is_gone(api_client: APIClient, webchat: Webchat) -> None:
    path = f"/api/webchats/{webchat.pk}"
    answer = api_client.delete(path)
    assert (answer.status_code, answer.json()) == (
        200,
        {"message": "Webchat configuration deleted"},
    )
    assert api_client.get(path).status_code == 404
    assert not Webchat.objects.exists()


def test_moments_are_utc_with_milliseconds(api_client: APIClient, webchat: Webchat) -> None:
    Webchat.objects.update(created_at="2026-03-12T11:00:00.000999+01:00")
    document = api_client.get(f"/api/webchats/{webchat.pk}").json()["data"]
    assert document["createdAt"] == "2026-03-12T10:00:00.000Z"


# --- A superuser ---


def test_a_superuser_says_whose_the_new_webchat_is(
    api: Any, superuser: User, admin: User, body: dict[str, Any]
) -> None:
    sent = body | {"organizationId": admin.organization_id}
    document = api(superuser).post("/api/webchats", sent).json()["data"]
    assert document["organizationId"] == admin.organization_id
    assert document["createdBy"] == superuser.pk


def test_a_superuser_who_does_not_say_whose_is_told(
    api: Any, superuser: User, body: dict[str, Any]
) -> None:
    client = api(superuser)
    assert refused(client.post("/api/webchats", body)) == {"organizationId": "required"}
    unknown = body | {"organizationId": "0" * 24}
    assert refused(client.post("/api/webchats", unknown))["organizationId"] == "does_not_exist"


def test_a_superuser_cannot_mix_organizations(
    api: Any, superuser: User, other_admin: User, body: dict[str, Any]
) -> None:
    sent = body | {"organizationId": other_admin.organization_id}
    answer = api(superuser).post("/api/webchats", sent)
    assert refused(answer) == {"promptId": "does_not_exist"}
    assert not Webchat.objects.exists()


def test_a_superuser_cannot_move_a_webchat(
    api: Any, superuser: User, other_admin: User, webchat: Webchat
) -> None:
    sent = {"organizationId": other_admin.organization_id}
    assert api(superuser).put(f"/api/webchats/{webchat.pk}", sent).status_code == 200
    before = webchat.organization_id
    webchat.refresh_from_db()
    assert webchat.organization_id == before
