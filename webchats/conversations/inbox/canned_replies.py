"""The canned replies that the composer offers in a conversation."""

import re
from typing import Final

from django.db.models.functions import Left
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from organizations.auth.roles import Operation
from webchat_project.api.object_ids import OBJECT_ID_PATTERN
from webchats.conversations.canned_replies import fill_in, fill_in_reply, get_values
from webchats.conversations.inbox.access import get_conversation, get_user, inbox_view
from webchats.conversations.models import CannedReply

#: The characters of a text that the list shows, and those that are read: a variable can have a
#: short value.
_SHOWN: Final = 100
_READ: Final = 200


@inbox_view(Operation.VIEW)
@require_safe
def canned_replies(request: HttpRequest, pk: str) -> HttpResponse:
    """Return the beginnings of all texts, filled in, by shortcut.

    The list then filters without a request. With the parameter ``reply``, an id, return that reply
    with its text. All texts would be megabytes.
    """
    user = get_user(request)
    conversation = get_conversation(user, pk)
    values = get_values(conversation, user)
    rows = CannedReply.objects.for_organization(conversation.organization_id)
    chosen = request.GET.get("reply")
    if chosen is not None:
        row = rows.filter(pk=chosen).first() if re.fullmatch(OBJECT_ID_PATTERN, chosen) else None
        if row is None:
            raise Http404("The canned reply does not exist.")
        return JsonResponse({"reply": fill_in_reply(row, values)})
    listed = rows.annotate(beginning=Left("text", _READ))
    replies = [
        {"_id": pk, "shortcut": shortcut, "title": title, "text": _cut(fill_in(text, values))}
        for pk, shortcut, title, text in listed.values_list("pk", "shortcut", "title", "beginning")
    ]
    return JsonResponse({"replies": replies}, json_dumps_params={"ensure_ascii": False})


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
