"""What a comparison of visitors' streams with the database reads."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from webchats.conversations.live.updates import Version, VisitorKey
from webchats.conversations.models import Conversation
from webchats.conversations.replies.visible import PartialReplyDocument, load_partial_replies

#: Organizations, visitors or conversations that are compared by one query.
COMPARED: Final = 1_000


def load_changed(
    organization_ids: Collection[str], since: datetime, limit: int
) -> list[tuple[VisitorKey, Version]]:
    """Return visitors and versions of conversations that changed after ``since``.

    Some may be former conversations of their visitors.
    """
    rows = Conversation.objects.filter(organization__in=organization_ids, updated_at__gte=since)
    columns = rows.order_by().values_list("webchat_id", "visitor_id", "pk", "updated_at")
    return [
        (VisitorKey(webchat_id or "", visitor_id), Version(pk, updated_at))
        for webchat_id, visitor_id, pk, updated_at in columns[:limit]
    ]


def load_versions(keys: Collection[VisitorKey]) -> dict[VisitorKey, Version]:
    """Return the versions of the current conversations of visitors, who may have none.

    One query for at most ``COMPARED`` visitors.
    """
    rows = Conversation.objects.filter(
        webchat__in={key.webchat_id for key in keys},
        visitor_id__in=[key.visitor_id for key in keys],
    )
    columns = ("webchat_id", "visitor_id", "pk", "updated_at")
    # The newest conversation of a visitor comes last.
    return {
        VisitorKey(webchat_id, visitor_id): Version(pk, updated_at)
        for webchat_id, visitor_id, pk, updated_at in rows.order_by("created_at", "id").values_list(
            *columns
        )
    }


def count_conversations(ids: Collection[str]) -> int:
    """Return how many of the conversations exist."""
    return Conversation.objects.filter(pk__in=ids).count()


def load_replies(organization_ids: Collection[str]) -> dict[VisitorKey, PartialReplyDocument]:
    """Return the replies that are being written for visitors, with their text so far."""
    return {
        VisitorKey(conversation.webchat_id or "", conversation.visitor_id): partial
        for conversation, partial in load_partial_replies(organization_ids)
    }
