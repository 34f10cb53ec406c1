"""What a model is given of a conversation, and how much of it at most."""

import pytest

from organizations.ai.client import Turn
from webchats.conversations.knowledge.history import MAX_TOKENS, build_turns, turns_since_closing
from webchats.conversations.knowledge.selection import estimate_tokens
from webchats.conversations.models import Message

LONG = 4_000


def turns_of(*oldest_first: tuple[str, str]) -> tuple[Turn, ...]:
    messages = [Message(author=author, text=text) for author, text in oldest_first]
    return build_turns(reversed(messages))


def test_successive_messages_of_one_side_are_one_turn() -> None:
    messages = [("visitor", "Hi"), ("visitor", "Open?"), ("ai", "Yes."), ("visitor", "Until?")]
    assert turns_of(*messages) == (
        Turn("visitor", "Hi\n\nOpen?"),
        Turn("assistant", "Yes."),
        Turn("visitor", "Until?"),
    )


@pytest.mark.parametrize("letter", ["a", "ä", "\U0001f600"])
@pytest.mark.parametrize("author", ["visitor", "ai"])
def test_turns_have_at_most_4000_tokens(author: str, letter: str) -> None:
    older = [(author, letter * LONG)] * 18
    turns = turns_of(*older, ("visitor", letter * LONG), ("visitor", "Open?"))
    assert turns[-1].text.endswith("Open?")
    assert sum(estimate_tokens(turn.text) for turn in turns) <= MAX_TOKENS


def test_a_newest_message_that_is_too_long_is_cut_at_its_end() -> None:
    (turn,) = turns_of(("visitor", "Older"), ("visitor", "Open? " + "\U0001f600" * LONG))
    assert turn.text.startswith("Open? \U0001f600")
    assert MAX_TOKENS - 2 <= estimate_tokens(turn.text) <= MAX_TOKENS


def test_only_texts_since_the_last_closing_are_in_turns() -> None:
    newest_first = [
        Message(author="visitor", text="Open?"),
        Message(author="system", kind="event", event="closed"),
        Message(author="visitor", text="Older"),
    ]
    assert turns_since_closing(newest_first) == (Turn("visitor", "Open?"),)
