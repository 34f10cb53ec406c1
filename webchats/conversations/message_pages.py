"""Pages of messages, which are limited by their number and by their size."""

from collections.abc import Iterator
from typing import Final

from django.db.models import QuerySet
from django.db.models.expressions import Combinable

from organizations.tenancy.large_responses import Bytes
from webchats.conversations.models import Message

#: Bytes of the texts of a page; a message has at most 16,000. JSON takes at most twice as many, so
#: that a page is no large response, and many readers at once do not fill the memory.
MAX_BYTES: Final = 128 * 1024
_TEXT: Final = Bytes("text")


def load_page(
    rows: QuerySet[Message], limit: int, size: Combinable = _TEXT
) -> tuple[list[Message], bool]:
    """Return the first of the ordered rows, and whether there are more.

    They are at most ``limit`` rows with ``MAX_BYTES`` of text, and at least one if there is one.
    ``size`` is the number of bytes of a row.
    """
    sizes = list(rows.values_list("sequence", size)[: limit + 1])
    fitting = list(_take_fitting(sizes[:limit]))
    page = list(rows.filter(sequence__in=fitting)) if fitting else []
    return page, len(sizes) > len(fitting)


def _take_fitting(sizes: list[tuple[int, int]]) -> Iterator[int]:
    total = 0
    for number, (sequence, size) in enumerate(sizes):
        total += size
        if number and total > MAX_BYTES:
            return
        yield sequence
