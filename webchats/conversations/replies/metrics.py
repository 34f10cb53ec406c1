"""Prometheus metrics of replies. Only workers import this module."""

from typing import Final

from prometheus_client import Counter, Histogram

from webchats.conversations.models import Reply, ReplyState

REPLIES: Final = Counter(
    "webchats_replies_total", "Replies of the AI that have ended.", ["outcome"]
)
FIRST_TOKEN: Final = Histogram(
    "webchats_reply_first_token_seconds",
    "Time from a reply's start to the first word of the model.",
    buckets=(0.25, 0.5, 1, 2, 3, 5, 8, 12, 20),
)
TOKENS: Final = Counter(
    "webchats_reply_tokens_total", "Tokens of the calls of models for replies.", ["direction"]
)

# So that a rate over a new series is not empty.
for outcome in ReplyState.values:
    if outcome != ReplyState.RUNNING:
        REPLIES.labels(outcome)
for direction in ("input", "output"):
    TOKENS.labels(direction)


def observe_reply(reply: Reply) -> None:
    """Count a reply that has ended, after the commit of its end."""
    REPLIES.labels(reply.state).inc()
    if reply.first_token_ms is not None:
        FIRST_TOKEN.observe(reply.first_token_ms / 1000)
    TOKENS.labels("input").inc(reply.input_tokens or 0)
    TOKENS.labels("output").inc(reply.output_tokens or 0)
