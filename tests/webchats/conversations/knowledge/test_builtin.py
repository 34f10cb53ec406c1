"""What the built-in provider answers to messages that were written one after the other."""

import pytest

from organizations.ai.client import ModelRequest, Turn
from organizations.ai.events import TextDelta
from tests.support import event_loops
from webchats.conversations.knowledge.builtin import BuiltinClient
from webchats.conversations.knowledge.selection import Source

DELIVERY = "How long does delivery take?"
RETURNS = "Can I return an order?"
PITCHING = "How long does it take to pitch the tent?"
REFUSAL = "I have no answer to that. Would you like to talk to a person?"
ANSWERS = {DELIVERY: "Two days.", RETURNS: "Within a month.", PITCHING: "Four minutes."}
SOURCES = [
    Source(number, str(number), question, "", question, answer)
    for number, (question, answer) in enumerate(ANSWERS.items(), 1)
]


def answer(*messages: str) -> str:
    """Return what is streamed after the messages of the visitor."""

    async def stream() -> str:
        request = ModelRequest("", "", (Turn("visitor", "\n\n".join(messages)),), 100, 0)
        events = BuiltinClient(SOURCES, language="en").stream(request)
        return "".join([event.text async for event in events if isinstance(event, TextDelta)])

    return event_loops.run(stream())


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([DELIVERY], "sources: 1\nTwo days."),
        # Each question has its answer below it.
        (
            [DELIVERY, "Can I return it?"],
            f"sources: 1, 2\n**{DELIVERY}**\n\nTwo days.\n\n**{RETURNS}**\n\nWithin a month.",
        ),
        # Nobody gets the answer to neither.
        (
            [DELIVERY, "Is it blue or red?"],
            f"sources: 1\n**{DELIVERY}**\n\nTwo days.\n\n**Is it blue or red?**\n\n{REFUSAL}",
        ),
        (["Hello", DELIVERY, "I need it soon"], "sources: 1\nTwo days."),
        ([DELIVERY, "How long does the delivery take?"], "sources: 1\nTwo days."),
        # Several messages can be one question.
        (["pitch", "the tent"], "sources: 3\nFour minutes."),
        (["Is it red?", "Is it blue?"], "sources: none\n"),
        # More than five are one question.
        ([*["Is it red?"] * 5, DELIVERY], "sources: 1\nTwo days."),
    ],
)
def test_each_message_is_answered(messages: list[str], expected: str) -> None:
    assert answer(*messages) == expected
