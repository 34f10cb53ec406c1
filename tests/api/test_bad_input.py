"""Input that is hard to store or to compute with, in every body and parameter: no server error.

Each field of a body and each parameter of a query gets one value. ``test_request_body`` tests the
parser of bodies.
"""

import json
from collections.abc import Iterator
from itertools import cycle
from typing import Any, Final

import pytest
from django.test import Client
from rest_framework.test import APIClient
from rest_framework.throttling import SimpleRateThrottle

from organizations.models import Organization, User
from tests.support import factories
from webchats import examples
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

#: JSON of the values of fields.
VALUES: Final = (
    r'"\ud800"',
    r'"a\u0000b"',
    "1e400",
    '"\N{ARABIC-INDIC DIGIT ONE}"',
    r'["\u0000", "\ud800", {}, null]',
    '"9999-12-31T23:59:59-14:00"',
    "[" * 500 + "]" * 500,
)
#: Parameters. Surrogates come as bytes.
QUERIES: Final = (
    "a\0b",
    b"\xed\xa0\x80",
    "\N{ARABIC-INDIC DIGIT ONE}",
    "9999-12-31",
    "0000-01-01",
    "1e400",
    "68A1B2C3D4E5F6A7B8C9D0E0",
)


@pytest.fixture
def client(api: Any, admin: User, monkeypatch: pytest.MonkeyPatch) -> APIClient:
    """A client without throttles."""
    monkeypatch.setattr(SimpleRateThrottle, "allow_request", lambda *_: True)
    client: APIClient = api(admin)
    return client


def create_rows(organization: Organization, webchat: Webchat, admin: User) -> dict[str, str]:
    """Return the id of a row of each resource."""
    draft = factories.DraftFactory.create(webchat=webchat)
    rows = {
        "webchats": webchat,
        "prompts": webchat.prompt,
        "pipelines": factories.PipelineFactory.create(organization=organization),
        "ai-providers": factories.AiProviderFactory.create(organization=organization),
        "conversations": draft.conversation,
        "contacts": draft.conversation.contact,
        "drafts": draft,
        "knowledge": factories.KnowledgeEntryFactory.create(organization=organization),
        "canned-replies": factories.CannedReplyFactory.create(organization=organization),
        "inbox-views": factories.SavedViewFactory.create(user=admin),
        "organizations": organization,
        "users": admin,
    }
    return {name: row.pk for name, row in rows.items()}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, method and description of the documented calls."""
    document = json.loads(Client().get("/api/schema?format=json").content)
    for path, described in document["paths"].items():
        for method, operation in described.items():
            # PUT does the same. A sign-in hashes a password.
            if method != "patch" and path != "/api/auth/login":
                yield path, method, operation


def with_value(example: dict[str, object], name: str, value: str) -> str:
    """Return the body with another value of one field."""
    rest = json.dumps({key: kept for key, kept in example.items() if key != name})[1:-1]
    return f"{{{rest}{', ' if rest else ''}{json.dumps(name)}: {value}}}"


def test_no_body_and_no_query_is_a_server_error(
    client: APIClient, organization: Organization, webchat: Webchat, admin: User
) -> None:
    ids, values, queries = create_rows(organization, webchat, admin), cycle(VALUES), cycle(QUERIES)
    statuses: dict[tuple[object, ...], int] = {}
    for path, method, operation in operations():
        url = path.replace("{id}", ids.get(path.split("/")[2], examples.STAGE_ID))
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        for example in list(body.get("examples", {}).values())[:1]:
            for name in example["value"]:
                sent = with_value(example["value"], name, next(values))
                response = client.generic(method.upper(), url, sent, "application/json")
                statuses[method, path, name, sent[-40:]] = response.status_code
        if method == "get":
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "query":
                    query = {parameter["name"]: next(queries)}
                    response = client.get(url, query)
                    # Exports that are not read to their end have a limit.
                    list(response)
                    statuses[method, path, *query.items()] = response.status_code
    assert len(statuses) > 200
    assert {call: status for call, status in statuses.items() if status >= 500} == {}
    assert {200, 400} < {*statuses.values()}
