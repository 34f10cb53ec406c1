"""What a model is given of a conversation."""

from collections.abc import Iterable
from typing import Final

from organizations.ai.client import Role, Turn
from webchats.conversations.knowledge.selection import cut_to_tokens, estimate_tokens
from webchats.conversations.models import Author, Conversation, Message, MessageKind

MAX_MESSAGES: Final = 20
MAX_TOKENS: Final = 4_000
#: Between the messages of a turn.
_SEPARATOR: Final = "\n\n"


def load_turns(conversation: Conversation) -> tuple[Turn, ...]:
    """Return the texts since the last closing, oldest first, the last one of the visitor.

    At most 20 messages with 4,000 tokens together. Notes and drafts are no messages.
    """
    rows = conversation.messages.order_by("-sequence")
    closed = rows.filter(event="closed").values_list("sequence", flat=True).first() or 0
    texts = rows.filter(sequence__gt=closed, kind=MessageKind.TEXT)
    return build_turns(texts[:MAX_MESSAGES])


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
        tokens += estimate_tokens(message.text + _SEPARATOR)
        if tokens > MAX_TOKENS:
            break
        if turns[-1].role == role:
            turns[-1] = Turn(role, message.text + _SEPARATOR + turns[-1].text)
        else:
            turns.append(Turn(role, message.text))
    # Providers expect that the user begins.
    if turns and turns[-1].role == "assistant":
        turns.pop()
    return tuple(reversed(turns))
