"""Metrics of webchats, served at ``/metrics``."""

from typing import Final

from prometheus_client import Counter

# Both have a label: without one, every process would create a metrics file, even if unused.
ROWS_IMPORTED: Final = Counter(
    "webchats_rows_imported_total",
    "Rows of completed imports.",
    ["outcome"],  # created, updated, unchanged, rejected
)
STORAGE_FAILURES: Final = Counter(
    "webchats_storage_failures_total",
    "Failed calls to the icon storage.",
    ["storage"],  # folder, bucket
)
