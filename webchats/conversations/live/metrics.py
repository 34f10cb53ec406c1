"""Prometheus metrics of streams."""

from typing import Final

from prometheus_client import Counter, Gauge

from webchats.conversations.live.streams import ERROR, EXPIRED, GONE, SLOW, EndReason

STREAMS: Final = Gauge(
    "webchats_live_streams",
    "Open streams.",
    ["kind"],  # visitor, organization
    multiprocess_mode="livesum",
)
ENDED: Final = Counter(
    "webchats_live_streams_ended_total",
    "Streams that ended. The reason gone is a client that left, slow one that read too slowly.",
    ["kind", "reason"],
)

# So that a rate over a new series is not empty.
for kind in ("visitor", "organization"):
    STREAMS.labels(kind)
    for reason in (*EndReason, EXPIRED, GONE, SLOW, ERROR):
        ENDED.labels(kind, reason)
