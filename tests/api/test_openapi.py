"""The OpenAPI document is valid and complete, and the running service conforms to it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from organizations.auth.tokens import AccessToken
from tests.support import factories
from webchats import examples

ROOT = Path(__file__).resolve().parent.parent.parent


def schema() -> dict[str, Any]:
    """Return the OpenAPI document."""
    document: dict[str, Any] = json.loads(
        Client().get("/api/schema", headers={"accept": "application/json"}).content
    )
    return document


@pytest.mark.django_db(transaction=True)
def test_running_service_conforms_to_its_schema(
    live_server: Any, tmp_path: Path, throttle_rates: Any
) -> None:
    throttle_rates(credential="1000000/min", address="1000000/min", sign_in_address="1000000/min")
    throttle_rates(sign_in_account="1000000/min")
    organization = factories.OrganizationFactory.create()
    user = factories.UserFactory.create(organization=organization)
    factories.PromptFactory.create(id=examples.PROMPT_ID, organization=organization)
    pipeline = factories.PipelineFactory.create(id=examples.PIPELINE_ID, organization=organization)
    factories.StageFactory.create(id=examples.STAGE_ID, pipeline=pipeline, slug="new")
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{live_server.url}/api/schema"),
        *("--checks", "all", "--max-examples", "4", "--seed", "1", "--workers", "2"),
        *("--header", f"Authorization: Bearer {AccessToken.for_user(user)}"),
        *(
            "--include-path-regex",
            "export",
            "--suppress-health-check",
            "all",
            "--no-color",
            "--generation-database",
            "none",
        ),
        *("--generation-allow-x00", "false"),
    ]
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "tests.api.schema_hooks",
        "PYTHONPATH": str(ROOT),
    }
    result = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout[-20_000:] + result.stderr


@pytest.mark.django_db
def test_schema_is_valid_and_generated_without_warnings() -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null")


@pytest.mark.django_db
def test_schema_contains_the_documented_example() -> None:
    (example,) = schema()["paths"]["/api/webchats"]["post"]["requestBody"]["content"][
        "application/json"
    ]["examples"].values()
    assert example["value"] == examples.REQUEST


@pytest.mark.django_db
def test_every_operation_describes_its_responses_and_errors() -> None:
    for path, operations in schema()["paths"].items():
        for verb, operation in operations.items():
            responses = operation["responses"]
            assert any(status.startswith("2") for status in responses), (path, verb)
            assert {"429", "503"} <= responses.keys(), (path, verb)
            for status, response in responses.items():
                if status.startswith(("4", "5")):
                    content = response["content"]["application/json"]
                    assert content["schema"] == {"$ref": "#/components/schemas/Error"}
                    assert content["example"]["error"]


@pytest.mark.django_db
def test_every_operation_requires_a_bearer_token_unless_it_is_public() -> None:
    document = schema()
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    public = {
        path
        for path, operations in document["paths"].items()
        for operation in operations.values()
        if operation.get("security", [{}]) != [{"bearer": []}]
    }
    assert public == {"/api/auth/login", "/api/auth/refresh"}


def test_interactive_documentation_loads_nothing_from_other_hosts() -> None:
    page = Client().get("/api/docs").content.decode()
    assert 'src="/static/' in page
    assert "http://" not in page
    assert "https://" not in page
