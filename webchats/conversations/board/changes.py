"""What others have changed on an open board, for its script."""

from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_safe

from organizations.auth.roles import Operation, role_allows
from webchats.conversations.board.access import board_view
from webchats.conversations.board.columns import Board, Card, add_conversations
from webchats.conversations.board.views import get_board, get_query
from webchats.conversations.inbox.access import get_organization_id, get_user
from webchats.conversations.models import Contact, ContactMerge, Erasure, StageMove

#: After more changes, or a longer time, the page has to be loaded again.
MAX_CHANGES: Final = 50
MAX_SECONDS: Final = 600
#: Changes may be stored later than they were made, and by a server with another clock.
_OVERLAP_SECONDS: Final = 10
#: No erasure takes longer.
_ERASURE: Final = timedelta(days=1)

_Change: TypeAlias = dict[str, str | None]


@board_view(Operation.VIEW)
@require_safe
def changes(request: HttpRequest) -> HttpResponse:
    """Return the cards of the contacts that have changed since a time, and the counts then.

    Changes are moves, merges and erasures. ``since`` is the ``at`` of the page or of the last
    response, in seconds since 1970. A card whose ``stage`` is ``null`` has left the board. With
    ``isOutdated``, the page has to be loaded again.
    """
    shown = get_board(request, get_organization_id(request, None) or "")
    now = int(timezone.now().timestamp())
    since = request.GET.get("since", "")
    start = int(since) if since.isascii() and since.isdigit() and len(since) < 12 else 0
    if now - start > MAX_SECONDS:
        return JsonResponse({"at": now, "isOutdated": True})
    changed = _find_changed(shown.pipeline.organization_id, start - _OVERLAP_SECONDS)
    if len(changed) > MAX_CHANGES:
        return JsonResponse({"at": now, "isOutdated": True})
    cards = _describe(request, shown, set(changed)) if changed else []
    return JsonResponse({"at": now, "cards": cards, "counts": shown.count() if cards else {}})


def _find_changed(organization_id: str, start: int) -> list[str]:
    """Return the ids of contacts for each change, more than ``MAX_CHANGES`` if there are more."""
    # Ids begin with the time, so that their index is that of the newest moves.
    moves = StageMove.objects.filter(
        organization=organization_id, pk__gte=f"{max(start, 0):08x}"
    ).order_by("pk")
    since = datetime.fromtimestamp(start, UTC)
    merges = ContactMerge.objects.filter(organization=organization_id, created_at__gte=since)
    erasures = Erasure.objects.filter(
        organization=organization_id, created_at__gte=since - _ERASURE, finished_at__gte=since
    )
    limit = MAX_CHANGES + 1
    pairs = merges.values_list("kept_id", "removed_id")[:limit]
    return [
        *moves.values_list("contact_id", flat=True)[:limit],
        *(pk for pair in pairs for pk in pair),
        *erasures.values_list("contact_id", flat=True)[:limit],
    ]


def _describe(request: HttpRequest, shown: Board, ids: set[str]) -> list[_Change]:
    rows = Contact.objects.for_organization(shown.pipeline.organization_id).filter(pk__in=ids)
    found = list(rows.select_related("stage", "webchat").order_by("-last_seen_at", "-id"))
    cards = [Card(contact) for contact in found]
    add_conversations(cards)
    context = {
        "query": get_query(request),
        "may_move": role_allows(get_user(request).role, Operation.CHANGE, Contact),
        "now": timezone.now(),
    }
    gone = ids - {contact.pk for contact in found}
    return [
        *(
            {
                "id": card.contact.pk,
                "stage": shown.find_key(card.contact),
                "card": render_to_string(
                    "admin/board/card.html", {**context, "card": card}, request
                ),
            }
            for card in cards
        ),
        *({"id": pk, "stage": None, "card": ""} for pk in sorted(gone)),
    ]
