"""Bodies of responses in the protocols of language models."""

import json
from typing import Any

from organizations.ai.client import HAND_OVER


def openai_event(delta: dict[str, Any], **choice: Any) -> str:
    """Return an event with one choice."""
    return _event({"choices": [{"index": 0, "delta": delta, **choice}]})


def openai_stream(*texts: str, usage: Any = None) -> str:
    """Return the events of a complete answer. ``usage`` is what the server reports."""
    events = [openai_event({"content": text}) for text in texts]
    end = openai_event({}, finish_reason="stop")
    return "".join([*events, end, _event({"choices": [], "usage": usage}), "data: [DONE]\n\n"])


def hand_over_stream(arguments: str) -> str:
    """Return the events of a call of the tool, with the JSON of its arguments."""
    function = {"name": HAND_OVER, "arguments": arguments}
    call = openai_event({"tool_calls": [{"index": 0, "function": function}]})
    return f"{call}{openai_event({}, finish_reason='tool_calls')}data: [DONE]\n\n"


def anthropic_stream(*texts: str, usage: Any) -> str:
    """Return the events of a complete answer. ``usage`` is what the server reports."""
    block = {"index": 0, "content_block": {"type": "text", "text": ""}}
    deltas = [{"index": 0, "delta": {"type": "text_delta", "text": text}} for text in texts]
    return "".join(
        [
            _named("message_start", message={"role": "assistant", "usage": usage}),
            _named("content_block_start", **block),
            *(_named("content_block_delta", **delta) for delta in deltas),
            _named("message_delta", delta={"stop_reason": "end_turn"}, usage=usage),
            _named("message_stop"),
        ]
    )


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data)}\n\n"


def _named(name: str, **data: Any) -> str:
    return f"event: {name}\n" + _event({"type": name, **data})
