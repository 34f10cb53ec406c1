"""Validation of each field of a webchat in the API."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from organizations.models import Pipeline, Stage
from tests.webchats.api import post_escaped, validation_errors
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

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
        ("isAutoAssigned", 1),
        ("isSurveyEnabled", 0),
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


@pytest.mark.parametrize("entry", [None, [], "http://a b"])
def test_entries_of_a_list_that_is_too_long_are_not_validated(
    api_client: APIClient, body: dict[str, Any], entry: object
) -> None:
    response = api_client.post("/api/webchats", body | {"allowedDomains": [entry] * 101})
    assert validation_errors(response) == {"allowedDomains": "max_length"}
