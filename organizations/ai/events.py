"""What a language model streams: text, a tool call, usage, and the end."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class EndReason(StrEnum):
    """Why a model stopped. A stream without a reason is incomplete."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALL = "tool_call"
    CONTENT_FILTER = "content_filter"


@dataclass(frozen=True)
class TextDelta:
    """Text to append to the text so far."""

    text: str


@dataclass(frozen=True)
class ToolCall:
    """A complete call of the tool ``client.HAND_OVER``, the only one that models have."""

    name: str
    arguments: dict[str, object]


@dataclass(frozen=True)
class Usage:
    """The tokens of a call, as the provider counts them unless ``is_estimated``.

    ``input_tokens`` includes those that the provider read from its cache or wrote to it.
    """

    input_tokens: int
    output_tokens: int
    is_estimated: bool = False


@dataclass(frozen=True)
class End:
    """The proper end of a stream, which is its last event."""

    reason: EndReason


ModelEvent: TypeAlias = TextDelta | ToolCall | Usage | End
