"""The rejected drafts that a page of a thread shows, limited by the size of their texts."""

from itertools import accumulate

from organizations.tenancy.large_responses import Bytes
from webchats.conversations.message_pages import MAX_BYTES
from webchats.conversations.models import Draft
from webchats.conversations.models.draft import DraftQuerySet


def load_rejected(drafts: DraftQuerySet[Draft], limit: int) -> list[tuple[Draft, str]]:
    """Return the newest drafts, each with its text, or an empty one if the texts are too large."""
    rows = drafts.select_related("decided_by").defer("text", "sent_text")
    found = list(rows.annotate(size=Bytes("text"))[:limit])
    totals = accumulate(draft.size for draft in found)
    fitting = [draft.pk for draft, total in zip(found, totals, strict=True) if total <= MAX_BYTES]
    texts = dict(drafts.filter(pk__in=fitting).order_by().values_list("pk", "text"))
    return [(draft, texts.get(draft.pk, "")) for draft in found]
