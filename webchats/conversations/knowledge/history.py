"""What a model is given of a conversation."""

from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Final

from organizations.ai.client import Role, Turn
from webchats.conversations.knowledge.selection import cut_to_tokens, estimate_tokens
from webchats.conversations.models import Author, Message

MAX_MESSAGES: Final = 20
MAX_TOKENS: Final = 4_000
#: The event at which the history for the model begins.
CLOSED: Final = "closed"
#: Between the messages of a turn.
SEPARATOR: Final = "\n\n"


def turns_since_closing(newest: Sequence[Message]) -> tuple[Turn, ...]:
    """Return the turns of texts since the last closing, oldest first, the last of the visitor.

    ``newest`` are texts and closings, newest first. The turns have at most 4,000 tokens together.
    """
    return build_turns(takewhile(lambda message: message.event != CLOSED, newest))


def build_turns(newest_first: Iterable[Message]) -> tuple[Turn, ...]:
    """Return turns from messages, which have at most ``MAX_TOKENS`` together.

    Successive messages of one side are one turn. The visitor's newest message is always in it, cut
    at its end if it is too long.
    """
    turns: list[Turn] = []
    tokens = 0
    for message in newest_first:
        role: Role = "visitor" if message.author == Author.VISITOR else "assistant"
        if not turns and role == "assistant":
            continue  # Nothing is to be answered after it.
        if not turns:
            text = cut_to_tokens(message.text, MAX_TOKENS)
            tokens = estimate_tokens(text)
            turns.append(Turn(role, text))
            continue
        tokens += estimate_tokens(message.text + SEPARATOR)
        if tokens > MAX_TOKENS:
            break
        if turns[-1].role == role:
            turns[-1] = Turn(role, message.text + SEPARATOR + turns[-1].text)
        else:
            turns.append(Turn(role, message.text))
    # Providers expect that the user begins.
    if turns and turns[-1].role == "assistant":
        turns.pop()
    return tuple(reversed(turns))
