"""Prometheus metrics of streams."""

from typing import Final

from prometheus_client import Counter, Gauge

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
