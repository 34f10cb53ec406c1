"""What a model is given of a conversation."""

from collections.abc import Iterable
from typing import Final

from organizations.ai.client import Role, Turn
from webchats.conversations.knowledge.selection import estimate_tokens
from webchats.conversations.models import Author, Conversation, Message, MessageKind

MAX_MESSAGES: Final = 20
MAX_TOKENS: Final = 4_000


def load_turns(conversation: Conversation) -> tuple[Turn, ...]:
    """Return the texts since the last closing, oldest first, the last one of the visitor.

    At most 20 messages with 4,000 tokens, but all that the visitor has written since the last
    answer. Notes and drafts are no messages.
    """
    rows = conversation.messages.order_by("-sequence")
    closed = rows.filter(event="closed").values_list("sequence", flat=True).first() or 0
    texts = rows.filter(sequence__gt=closed, kind=MessageKind.TEXT)
    return build_turns(texts[:MAX_MESSAGES])


def build_turns(newest_first: Iterable[Message]) -> tuple[Turn, ...]:
    """Return turns from messages. Successive messages of one side are one turn."""
    turns: list[Turn] = []
    tokens, is_answered = 0, False
    for message in newest_first:
        is_visitor = message.author == Author.VISITOR
        is_answered = is_answered or not is_visitor
        if not turns and not is_visitor:
            continue  # Nothing is to be answered after it.
        tokens += estimate_tokens(message.text)
        if tokens > MAX_TOKENS and is_answered:
            break
        role: Role = "visitor" if is_visitor else "assistant"
        if turns and turns[-1].role == role:
            turns[-1] = Turn(role, f"{message.text}\n\n{turns[-1].text}")
        else:
            turns.append(Turn(role, message.text))
    # Providers expect that the user begins.
    if turns and turns[-1].role == "assistant":
        turns.pop()
    return tuple(reversed(turns))
