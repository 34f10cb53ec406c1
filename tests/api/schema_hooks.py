"""Hooks of schemathesis for values that a schema cannot describe.

The command line of schemathesis loads this module in its own process.
"""

from typing import Any

import schemathesis
from hypothesis import strategies as st

from tests.support.images import image_bytes
from webchats import examples

ALLOWED_DOMAIN = r"(https?://)?[a-z]{1,10}(-[a-z]{1,5})?\.(com|org|example)(:[1-9][0-9]{1,3})?"

schemathesis.openapi.format("allowed-domain", st.from_regex(ALLOWED_DOMAIN, fullmatch=True))
# Only images are accepted.
schemathesis.openapi.format("binary", st.just(image_bytes(size=(2, 2))))


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Replace ids in valid bodies by ids of existing rows, and versions by any version."""
    if case.meta.generation.mode.is_positive and "If-Match" in (case.headers or {}):
        case.headers["If-Match"] = "*"
    if case.meta.generation.mode.is_positive and case.path.endswith("/import"):
        # A schema cannot describe the content of a file. A dry run responds with 200 for any.
        case.query |= {"dryRun": "true", "format": "csv"}
        return
    if not case.meta.generation.mode.is_positive or not isinstance(case.body, dict):
        return
    body = case.body
    if "webchats" in case.path:
        known = {
            "promptId": examples.PROMPT_ID,
            "pipelineId": examples.PIPELINE_ID,
            "pipelineStage": examples.STAGE_ID,
            "icon": None,
        }
        body.update({name: value for name, value in known.items() if name in body})
        if body.get("pipelineStage"):
            body["pipelineId"] = examples.PIPELINE_ID
        elif "pipelineId" in body or "initialStage" in body:
            body["initialStage"] = "new"
    for number, stage in enumerate(body.get("stages") or []):
        stage.pop("_id", None)
        stage.update(name=f"Stage {number}", slug=f"stage-{number}")
    if body.get("expiresAt"):
        body["expiresAt"] = "2999-01-01T00:00:00Z"
