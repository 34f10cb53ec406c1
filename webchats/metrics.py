"""What of the product an operator counts. Served at ``/metrics``."""

from prometheus_client import Counter

# With a label each, so that a process which counts nothing keeps no file for it.
ROWS_IMPORTED = Counter(
    "webchats_rows_imported_total", "Rows of completed imports, by what came of them.", ["outcome"]
)
STORAGE_FAILURES = Counter(
    "webchats_storage_failures_total", "Times the icons' storage did not answer.", ["storage"]
)
