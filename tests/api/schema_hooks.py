"""Hooks of schemathesis for values that a schema cannot describe.

The command line of schemathesis loads this module in its own process.
"""

from datetime import date
from typing import Any
from uuid import uuid4

import schemathesis
from hypothesis import strategies as st

from tests.api.row_ids import CHANGED_PROVIDER_ID, PROVIDER_ID
from tests.support.images import image_bytes
from webchats import examples
from webchats.conversations.api.examples import (
    CONTACT_ID,
    CONVERSATION_ID,
    DUPLICATE_ID,
    PUSH_SUBSCRIPTION_REQUEST,
)

ALLOWED_DOMAIN = r"(https?://)?[a-z]{1,10}(-[a-z]{1,5})?\.(com|org|example)(:[1-9][0-9]{1,3})?"

schemathesis.openapi.format("allowed-domain", st.from_regex(ALLOWED_DOMAIN, fullmatch=True))
# A day of the list of conversations.
days = st.dates(date(2000, 1, 1), date(2999, 12, 31)).map(str)
schemathesis.openapi.format("date", days)
# The first page.
schemathesis.openapi.format("cursor", st.just(""))
# Only images are accepted.
schemathesis.openapi.format("binary", st.just(image_bytes(size=(2, 2))))


#: Parameters of paths whose rows the test has created, by the prefix of the path.
ROWS = (
    ("/api/conversations/{", {"id": CONVERSATION_ID}),
    ("/api/ai-providers/{", {"id": CHANGED_PROVIDER_ID}),
    ("/api/contacts/{", {"id": CONTACT_ID}),
    ("/api/organizations/{", {"id": examples.ORGANIZATION_ID}),
    ("/api/users/{", {"id": examples.USER_ID}),
    ("/widget/{", {"webchat_id": examples.DOCUMENT["_id"]}),
)


#: Ids in bodies, of rows that the test has created.
REFERENCES = {
    "assigneeId": examples.USER_ID,
    "contactId": DUPLICATE_ID,
    "pipelineId": examples.PIPELINE_ID,
    "promptId": examples.PROMPT_ID,
    "providerId": PROVIDER_ID,
    "stageId": examples.STAGE_ID,
}


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Replace ids in valid requests by ids of existing rows, and versions by any version."""
    if not case.meta.generation.mode.is_positive:
        return
    for prefix, parameter in ROWS:
        if case.path.startswith(prefix):
            case.path_parameters.update(parameter)
    if "If-Match" in (case.headers or {}):
        case.headers["If-Match"] = "*"
    if case.path.endswith("/import"):
        # A schema cannot describe the content of a file. A dry run responds with 200 for any.
        case.query |= {"dryRun": "true", "format": "csv"}
    elif isinstance(case.body, dict):
        correct_body(case.path, case.body)
        if case.path == "/api/contacts":
            # A new one needs a name, an address or a number.
            case.body["name"] = "Ada"


def correct_body(path: str, body: dict[str, Any]) -> None:
    """Replace what the schema allows, but the service rejects."""
    body.update({name: key for name, key in REFERENCES.items() if name in body})
    if "ai-providers" in path:
        # Each needs a setting or a name server, and no provider is its own fallback.
        known = {"apiKey": "", "baseUrl": "", "fallbackId": None}
        body.update({name: value for name, value in known.items() if name in body})
    elif "webchats" in path:
        correct_webchat(body)
    elif "conversations" in path or "widget" in path:
        correct_conversation(body)
    elif "canned-replies" in path:
        correct_canned_reply(body)
    elif "inbox-views" in path:
        known = {"name": uuid4().hex, "query": "assigneeId=me"}
        body.update({name: value for name, value in known.items() if name in body})
    elif "push-subscriptions" in path:
        body.update(PUSH_SUBSCRIPTION_REQUEST)
    elif "knowledge" in path:
        correct_knowledge(body)
    elif "stageId" in body:
        body["pipelineId"] = examples.PIPELINE_ID
    for number, stage in enumerate(body.get("stages") or []):
        stage.pop("_id", None)
        stage.update(name=f"Stage {number}", slug=f"stage-{number}")
    correct_formats(path, body)


def correct_formats(path: str, body: dict[str, Any]) -> None:
    """Replace times in the past and invalid e-mail addresses."""
    if body.get("expiresAt"):
        body["expiresAt"] = "2999-01-01T00:00:00Z"
    if "email" in body and "contacts" in path:
        body["email"] = "ada@example.com"


def correct_webchat(body: dict[str, Any]) -> None:
    """Replace references of a webchat, and the stage that depends on them."""
    known = {"pipelineStage": examples.STAGE_ID, "icon": None}
    body.update({name: value for name, value in known.items() if name in body})
    if body.get("pipelineStage"):
        body["pipelineId"] = examples.PIPELINE_ID
    elif "pipelineId" in body or "initialStage" in body:
        body["initialStage"] = "new"


def correct_conversation(body: dict[str, Any]) -> None:
    """Replace texts of white space, positions after the last message, and contact details."""
    if "text" in body:
        body["text"] = body["text"].strip() or "Hello"
    if "sequence" in body:
        body["sequence"] = 0
    if "contact" in body:
        body["contact"] = {"name": "Ada", "email": "ada@example.com"}


def correct_canned_reply(body: dict[str, Any]) -> None:
    """Replace texts of white space and unknown variables, and shortcuts that are not unique."""
    for name in ("title", "text"):
        if name in body:
            body[name] = body[name].replace("{", "").strip() or "Hello"
    if "shortcut" in body:
        body["shortcut"] = uuid4().hex


def correct_knowledge(body: dict[str, Any]) -> None:
    """Replace texts of white space, references and the values of formats."""
    for name in ("question", "answer"):
        if name in body:
            body[name] = body[name].strip() or "Hello"
    known = {
        "alsoAskedAs": ["Hi"],
        "link": "https://example.com/",
        "language": "pt-BR",
        "promptIds": [examples.PROMPT_ID],
    }
    body.update({name: value for name, value in known.items() if name in body})
