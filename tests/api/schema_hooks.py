"""What schemathesis has to know of the values that a schema cannot say.

Loaded by its command line, in a process of its own.
"""

from typing import Any

import schemathesis
from hypothesis import strategies as st

from tests.support.images import image_bytes
from webchats import examples

ALLOWED_DOMAIN = r"(https?://)?[a-z]{1,10}(-[a-z]{1,5})?\.(com|org|example)(:[1-9][0-9]{1,3})?"

schemathesis.openapi.format("allowed-domain", st.from_regex(ALLOWED_DOMAIN, fullmatch=True))
# Of the files of any content only pictures are taken.
schemathesis.openapi.format("binary", st.just(image_bytes(size=(2, 2))))


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Let a body that should be accepted point to rows that exist."""
    if case.meta.generation.mode.is_positive and case.path.endswith("/import"):
        # What a file holds no schema can say: a dry run answers with a report of it.
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
