"""The OpenAPI document is valid and complete, and the running service conforms to it."""

import json
import os
import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from pytest_django import Settings

from organizations.ai import addresses
from organizations.auth.tokens import AccessToken
from organizations.models import User
from organizations.tenancy.large_responses import MAX_OF_ADDRESS
from tests.api.row_ids import CHANGED_PROVIDER_ID, PROVIDER_ID
from tests.support import factories
from tests.support.visitors import Visitor
from webchat_project.api import documentation
from webchats import demo, examples
from webchats.conversations.api.examples import (
    CONTACT_ID,
    CONVERSATION_ID,
    DRAFT,
    DUPLICATE_ID,
)
from webchats.conversations.notifications.vapid import generate_private_key
from webchats.models import Webchat

ROOT = Path(__file__).resolve().parent.parent.parent


#: The configuration of schemathesis.
SCHEMATHESIS = """
headers = {{ Authorization = "Bearer {user}" }}

[[operations]]
include-path-regex = "^/widget/"
headers = {{ Authorization = "Bearer {visitor}" }}

[checks.negative_data_rejection]
# 412 for a malformed If-Match, whatever the body is.
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 412, 415, 429, 503]
"""


# The schema is a large response, before which a request returns its database connection.
pytestmark = pytest.mark.django_db


def schema(path: str = "/api/schema?format=json") -> dict[str, Any]:
    """Return the OpenAPI document."""
    document: dict[str, Any] = json.loads(Client().get(path).content)
    return document


def component_schemas() -> dict[str, dict[str, Any]]:
    """Return the schemas of objects by name."""
    schemas: dict[str, dict[str, Any]] = schema()["components"]["schemas"]
    return {name: found for name, found in schemas.items() if "properties" in found}


@pytest.fixture
def demo_user(db: None) -> User:
    """The administrator of the demo, whose rows the examples refer to."""
    return demo.seed()


@pytest.mark.django_db(transaction=True)
def test_running_service_conforms_to_its_schema(
    live_server: Any, tmp_path: Path, throttle_rates: Any
) -> None:
    scopes = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
    throttle_rates(**dict.fromkeys(scopes, "1000000/min"))
    organization = factories.OrganizationFactory.create(id=examples.ORGANIZATION_ID)
    user = factories.UserFactory.create(id=examples.USER_ID, organization=organization)
    factories.PromptFactory.create(id=examples.PROMPT_ID, organization=organization)
    for pk in (PROVIDER_ID, CHANGED_PROVIDER_ID):
        factories.AiProviderFactory.create(id=pk, organization=organization, kind="builtin")
    pipeline = factories.PipelineFactory.create(id=examples.PIPELINE_ID, organization=organization)
    factories.StageFactory.create(id=examples.STAGE_ID, pipeline=pipeline, slug="new")
    webchat = factories.WebchatFactory.create(id=examples.DOCUMENT["_id"], user=user)
    visitor = Visitor(webchat)
    visitor.send()
    contact = factories.ContactFactory.create(id=CONTACT_ID, webchat=webchat)
    conversation = factories.ConversationFactory.create(
        id=CONVERSATION_ID, webchat=webchat, contact=contact, handler="ai"
    )
    factories.DraftFactory.create(id=DRAFT["_id"], conversation=conversation)
    configuration = SCHEMATHESIS.format(user=AccessToken.for_user(user), visitor=visitor.token)
    (tmp_path / "schemathesis.toml").write_text(configuration)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{live_server.url}/api/schema"),
        *("--checks", "all", "--seed", "1", "--workers", "2"),
        # The phase "coverage" takes 25 more seconds of CPU time.
        *("--phases", "examples,fuzzing", "--max-examples", "2"),
        *("--suppress-health-check", "all", "--no-color", "--generation-database", "none"),
        # PUT does the same.
        *("--generation-allow-x00", "false", "--exclude-method", "PATCH"),
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


def test_schema_is_valid_and_generated_without_warnings() -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null")


@pytest.mark.parametrize(
    ("query", "accept", "is_json"),
    [
        ("?format=json", "*/*", True),
        ("?format=yaml", "application/json", False),
        ("", "application/json", True),
        ("", "*/*", False),
    ],
)
def test_format_of_the_schema_is_the_requested_one(query: str, accept: str, is_json: bool) -> None:
    response = Client().get(f"/api/schema{query}", headers={"accept": accept})
    assert response.status_code == 200
    is_yaml = response.content.startswith(b"openapi: 3")
    assert (json.loads(response.content)["openapi"][:2] == "3.") if is_json else is_yaml


def test_parallel_requests_get_the_document_of_one_request(throttle_rates: Any) -> None:
    throttle_rates(address="1000/min")
    expected = json.loads(Client().get("/api/schema?format=json").content)
    documentation.generate.cache_clear()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        # A process sends no more of these large responses to an address at a time.
        with ThreadPoolExecutor(MAX_OF_ADDRESS) as threads:
            paths = ["/api/schema?format=json"] * 12
            responses = list(threads.map(lambda path: Client().get(path), paths))
    finally:
        sys.setswitchinterval(interval)
    for response in responses:
        assert response.status_code == 200
        assert json.loads(response.content) == expected


@pytest.mark.parametrize("format_", ["json", "yaml"])
def test_document_is_generated_once(monkeypatch: pytest.MonkeyPatch, format_: str) -> None:
    documentation.generate.cache_clear()
    generators: list[SchemaGenerator] = []
    get_schema = SchemaGenerator.get_schema

    def counted(generator: SchemaGenerator, *args: object, **kwargs: object) -> Any:
        generators.append(generator)
        return get_schema(generator, *args, **kwargs)

    monkeypatch.setattr(SchemaGenerator, "get_schema", counted)
    path = f"/api/schema?format={format_}"
    first, second = Client().get(path), Client().get(f"{path}&version=2&lang=de")
    assert first.content == second.content
    assert len(generators) == 1


def test_unchanged_document_is_not_sent_again() -> None:
    first = Client().get("/api/schema?format=json")
    assert first.headers["Cache-Control"] == "no-cache"
    assert first.headers["Vary"] == "Accept"
    headers = {"if-none-match": first.headers["ETag"]}
    second = Client().get("/api/schema?format=json", headers=headers)
    assert (second.status_code, second.content) == (304, b"")
    assert Client().get("/api/schema?format=yaml", headers=headers).status_code == 200


def test_requests_have_no_defaults() -> None:
    """Generated clients send defaults, so an update would reset the fields that it leaves out."""
    requests = [found for name, found in component_schemas().items() if name.endswith("Request")]
    assert len(requests) > 5
    assert '"default":' not in json.dumps(requests)


def test_responses_require_every_field() -> None:
    responses = {
        name: found
        for name, found in component_schemas().items()
        if not name.endswith("Request") and name != "Error"
    }
    assert "Webchat" in responses
    for name, found in responses.items():
        assert set(found["required"]) == set(found["properties"]), name


def test_only_nullable_fields_of_a_response_are_nullable() -> None:
    nullable = {
        f"{name}.{field}"
        for name, found in component_schemas().items()
        for field, property_ in found["properties"].items()
        if not name.endswith("Request")
        if property_.get("nullable") or "oneOf" in property_
    }
    assert nullable == {
        "AiProvider.fallbackId",
        "AiProvider.inputPrice",
        "AiProvider.lastErrorAt",
        "AiProvider.lastOkAt",
        "AiProvider.monthlyTokenBudget",
        "AiProvider.outputPrice",
        "ApiKey.expiresAt",
        "ApiKey.lastUsedAt",
        "Contact.pipelineId",
        "Contact.stageEnteredAt",
        "Contact.stageId",
        "Contact.webchatId",
        "ContactMerge.contactId",
        "ContactMerge.mergedBy",
        "ContactMerge.removedContact",
        "ContactMerge.undoneAt",
        "ContactMerge.undoneBy",
        "ContactMove.fromPipelineId",
        "ContactMove.fromStageId",
        "ContactMove.movedBy",
        "ContactMove.toPipelineId",
        "ContactMove.toStageId",
        "Erasure.finishedAt",
        "Erasure.requestedBy",
        "ConversationMessage.approvedBy",
        "ConversationMessage.replyId",
        "ConversationMessage.clientKey",
        "ConversationMessage.event",
        "ConversationMessage.userId",
        "Conversation.assigneeId",
        "Conversation.closedAt",
        "Conversation.firstReplyAt",
        "Conversation.isAutopilot",
        "Conversation.promptId",
        "Conversation.rating",
        "Conversation.waitingSince",
        "Conversation.webchatId",
        "Draft.decidedAt",
        "Draft.decidedBy",
        "Draft.editingBy",
        "Draft.editingUntil",
        "Draft.reason",
        "Draft.sentText",
        "NewApiKey.expiresAt",
        "NewApiKey.lastUsedAt",
        "Organization.contactRetentionDays",
        "Organization.inactivityHours",
        "Organization.retentionDays",
        "Note.userId",
        "Problem.line",
        "Prompt.providerId",
        "PushSubscription.lastSuccessAt",
        "PushSubscriptions.publicKey",
        "AiFigures.assumedRate",
        "AiFigures.confirmedRate",
        "AiFigures.handOverRate",
        "DraftFigures.acceptance",
        "DraftFigures.editSize",
        "Durations.median",
        "Durations.percentile90",
        "PromptUsage.cost",
        "PromptUsage.promptId",
        "RatingFigures.responseRate",
        "RatingGroup.mean",
        "RatingGroup.satisfied",
        "ReportRow.closedAt",
        "ReportRow.handedOverAt",
        "ReportRow.longestWaitSeconds",
        "ReportRow.promptId",
        "ReportRow.ratingScore",
        "ReportRow.repReplySeconds",
        "ReportRow.replySeconds",
        "ReportRow.resolutionSeconds",
        "ReportRow.unansweredSince",
        "ReportRow.userId",
        "ReportRow.webchatId",
        "Resolution.reopenRate",
        "RowBar.id",
        "Waiting.mean",
        "SignedInUser.organizationId",
        "User.organizationId",
        "VisitorMessage.clientKey",
        "VisitorMessage.event",
        "VisitorMessages.conversationId",
        "VisitorMessages.handler",
        "VisitorMessages.rating",
        "VisitorMessages.reply",
        "VisitorMessages.replyState",
        "VisitorMessages.state",
        "VisitorSession.conversation",
        "VisitorConversation.rating",
        "Webchat.icon",
        "Webchat.pipelineId",
        "Webchat.pipelineStage",
    }


def test_every_operation_has_a_summary_and_a_described_tag() -> None:
    document = schema()
    tags = [tag["name"] for tag in document["tags"]]
    assert tags[0] == "webchats"
    for path, operations in document["paths"].items():
        for verb, operation in operations.items():
            assert operation["summary"], (path, verb)
            assert set(operation["tags"]) <= set(tags), (path, verb)


def test_first_operation_is_the_list_of_webchats() -> None:
    path, operations = next(iter(schema()["paths"].items()))
    assert (path, list(operations)) == ("/api/webchats", ["get", "post"])


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/api/webchats", {"page", "limit"}),
        ("/api/conversations", {"cursor", "limit"}),
        ("/api/conversations/{id}/messages", {"after", "limit"}),
    ],
)
def test_lists_describe_the_parameters_of_their_pages(path: str, names: set[str]) -> None:
    parameters = schema()["paths"][path]["get"]["parameters"]
    assert names <= {parameter["name"] for parameter in parameters}


def test_version_is_that_of_the_project_and_the_changelog() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    released = re.search(r"^## \[(\d[^]]*)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert released
    assert schema()["info"]["version"] == project["version"] == released[1]


def test_examples_of_request_bodies_are_accepted(
    api: Any, demo_user: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.VAPID_PRIVATE_KEY = generate_private_key()
    settings.VAPID_SUBJECT = "mailto:ops@example.com"
    monkeypatch.setattr(addresses, "resolve", lambda *_: ["93.184.215.14"])
    client = api(demo_user)
    webchat_id = client.post("/api/webchats", examples.REQUEST).json()["data"]["_id"]
    webchat = Webchat.objects.get(pk=webchat_id)
    contact = factories.ContactFactory.create(webchat=webchat)
    factories.ContactFactory.create(id=DUPLICATE_ID, webchat=webchat)
    ids = {
        "webchats": webchat_id,
        "prompts": examples.PROMPT_ID,
        "ai-providers": factories.AiProviderFactory.create(
            organization=demo_user.organization, kind="builtin"
        ).pk,
        "pipelines": examples.PIPELINE_ID,
        "conversations": factories.ConversationFactory.create(
            webchat=webchat, contact=contact, last_sequence=1
        ).pk,
        "contacts": contact.pk,
        "knowledge": factories.KnowledgeEntryFactory.create(organization=webchat.organization).pk,
        "canned-replies": factories.CannedReplyFactory.create(organization=webchat.organization).pk,
        "inbox-views": factories.SavedViewFactory.create(user=demo_user).pk,
        "organizations": examples.ORGANIZATION_ID,
        "users": examples.USER_ID,
    }
    tried = set()
    for path, operations in schema()["paths"].items():
        for verb, operation in operations.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            for example in body.get("examples", {}).values():
                # A decision about a draft is final.
                ids["drafts"] = factories.DraftFactory.create(webchat=webchat).pk
                url = path.replace("{id}", ids.get(path.split("/")[2], ""))
                response = getattr(client, verb)(url, example["value"])
                assert response.status_code in (200, 201, 204), response.content
                assert b'"ignored"' not in response.content
                tried.add((verb, path))
    assert len(tried) == 44


def test_schema_contains_the_documented_example() -> None:
    (example,) = schema()["paths"]["/api/webchats"]["post"]["requestBody"]["content"][
        "application/json"
    ]["examples"].values()
    assert example["value"] == examples.REQUEST


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


def test_every_operation_requires_a_bearer_token_unless_it_is_public() -> None:
    document = schema()
    schemes = document["components"]["securitySchemes"]
    assert {name: scheme["scheme"] for name, scheme in schemes.items()} == {
        "bearer": "bearer",
        "session": "bearer",
    }
    public = {
        path
        for path, operations in document["paths"].items()
        for operation in operations.values()
        if operation.get("security", [{}])
        != [{"session" if operation["tags"] == ["widget"] else "bearer": []}]
    }
    assert public == {
        "/api/auth/login",
        "/api/auth/refresh",
        "/widget/{webchat_id}/ticket",
        "/widget/{webchat_id}/session",
    }


def test_interactive_documentation_loads_nothing_from_other_hosts() -> None:
    page = Client().get("/api/docs").content.decode()
    assert 'src="/static/' in page
    assert "http://" not in page
    assert "https://" not in page
