"""The canned replies that the composer offers in a conversation."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from organizations.auth.roles import Operation
from webchats.conversations.canned_replies import fill_in_reply, get_values
from webchats.conversations.inbox.access import get_conversation, get_user, inbox_view
from webchats.conversations.models import CannedReply


@inbox_view(Operation.VIEW)
@require_safe
def canned_replies(request: HttpRequest, pk: str) -> HttpResponse:
    """Return all of them, filled in, by shortcut. The list then filters without a request."""
    user = get_user(request)
    conversation = get_conversation(user, pk)
    values = get_values(conversation, user)
    rows = CannedReply.objects.for_organization(conversation.organization_id)
    return JsonResponse({"replies": [fill_in_reply(row, values) for row in rows]})
