"""The page of the inbox: a list of conversations beside the thread of one of them."""

from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.middleware.csrf import get_token
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from organizations.admin.site import site
from organizations.auth.roles import Operation, role_allows
from organizations.models import User
from organizations.navigation import get_nav_items
from webchats.conversations import presence
from webchats.conversations.inbox import NAV_ITEM
from webchats.conversations.inbox.access import (
    get_conversation,
    get_user,
    inbox_view,
)
from webchats.conversations.inbox.devices import get_push_key
from webchats.conversations.inbox.forms import ContactPanelForm, new_client_key
from webchats.conversations.inbox.lists import get_list_context
from webchats.conversations.inbox.navigation import get_nav_item
from webchats.conversations.inbox.threads import get_colleagues, get_thread
from webchats.conversations.inbox.view_form import SavedViewForm
from webchats.conversations.live.tokens import issue_staff_token
from webchats.conversations.models import (
    Author,
    Contact,
    Conversation,
    Draft,
    Message,
    RejectionReason,
    Reply,
    UnsentText,
)
from webchats.conversations.replies.availability import answered_by, get_prompt
from webchats.conversations.transitions import Handler, State


@dataclass(frozen=True)
class Composer:
    """The content of the composer: empty, or the refused input with its error."""

    text: str = ""
    mode: str = "reply"
    error: str = ""
    #: Another person's answer that the user had not seen.
    answer: Message | None = None
    client_key: str = ""


@inbox_view(Operation.VIEW)
@require_safe
def inbox(request: HttpRequest, pk: str = "") -> HttpResponse:
    """Return the list, and the thread of a conversation."""
    user, is_shown = get_user(request), not is_list(request)
    conversation = get_conversation(user, pk, is_shown=is_shown) if pk else None
    return render_inbox(request, conversation)


@inbox_view(Operation.VIEW)
@require_safe
def token(request: HttpRequest) -> HttpResponse:
    """Return a short-lived token for the stream of events, and the CSRF token of the session."""
    user = get_user(request)
    return JsonResponse(
        {"token": issue_staff_token(user), "csrfToken": get_token(request), "userId": user.pk}
    )


def render_inbox(
    request: HttpRequest,
    conversation: Conversation | None,
    composer: Composer | None = None,
    status: int = 200,
    contact_form: ContactPanelForm | None = None,
    view_form: SavedViewForm | None = None,
) -> HttpResponse:
    """Return the page, or for a request of htmx the part of it that changes.

    With ``part=list``, this is the list alone.
    """
    is_fragment = is_htmx(request)
    with timezone.override(_get_time_zone(request)):
        context: dict[str, Any] = {
            "is_fragment": is_fragment,
            "is_list": is_list(request),
            "heartbeat_seconds": presence.EXPIRY_SECONDS / presence.HEARTBEATS,
            "path": get_path(conversation),
            **get_list_context(request, conversation, view_form),
        }
        context["page_query"] = _get_page_query(request, context["query"])
        if not is_list(request):
            context |= _thread_context(request, conversation, composer)
            context |= _contact_context(request, conversation, contact_form)
        item = get_nav_item(get_user(request), context.get("waiting"))
        if is_fragment:
            context |= {"item": item, "site_title": site.site_title}
        else:
            items = partial(get_nav_items, get_user(request), {NAV_ITEM: item})
            context = {**site.each_context(request), "nav_items": items, **context}
            context["push_key"] = get_push_key(get_user(request))
        name = "fragment" if is_fragment else "page"
        response = TemplateResponse(request, f"admin/inbox/{name}.html", context, status=status)
        query = context["query"].urlencode()
        has_empty = "" in request.GET.values() and not is_list(request)
        if has_empty and request.GET.urlencode() != query:
            # A form sends its empty fields, too.
            response.headers["HX-Push-Url"] = f"{context['path']}?{query}"
        return response.render()


def get_path(conversation: Conversation | None) -> str:
    """Return the path of the page with a conversation, or with the list only."""
    if conversation is None:
        return reverse("inbox:list")
    return reverse("inbox:conversation", args=[conversation.pk])


def is_htmx(request: HttpRequest) -> bool:
    """Return whether htmx sent the request, which replaces a part of the page."""
    return request.headers.get("HX-Request") == "true"


def is_list(request: HttpRequest) -> bool:
    """Return whether htmx requests the list alone."""
    return is_htmx(request) and request.GET.get("part") == "list"


def _get_page_query(request: HttpRequest, query: QueryDict) -> QueryDict:
    """Return the query string of the page's address and of its forms: they keep its contact open.

    ``panel`` opens the contact, which takes a small window alone, and ``edit`` opens its form.
    """
    page_query = query.copy()
    for name in ("panel", "edit"):
        if request.GET.get(name) == "contact":
            page_query[name] = "contact"
    return page_query


def _thread_context(
    request: HttpRequest, conversation: Conversation | None, composer: Composer | None
) -> dict[str, object]:
    if conversation is None:
        return {"before": None}
    user = get_user(request)
    composer = composer or _get_composer(conversation, user)
    text = request.GET.get("before", "")
    before = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
    earlier = conversation.contact.conversations.exclude(pk=conversation.pk)
    is_open = conversation.state == State.OPEN
    is_ai = conversation.handler == Handler.AI
    answerer = answered_by(get_prompt(conversation)) if is_open else "person"
    pending = Draft.objects.pending().filter(conversation=conversation)
    return {
        "thread": get_thread(conversation, before),
        "before": before,
        "composer": composer,
        "client_key": composer.client_key or new_client_key(),
        "colleagues": get_colleagues(conversation, user),
        "is_closed": not is_open,
        "is_waiting": is_open and conversation.handler == Handler.WAITING,
        "is_ai": is_open and is_ai,
        "can_give_back": is_open and not is_ai and answerer != "person",
        "draft": pending.select_related("reply", "editing_by").defer("reply__instructions").first(),
        "rejection_reasons": RejectionReason.choices,
        "failure": _get_failure(conversation) if is_open and not is_ai else "",
        "is_mine": conversation.assignee_id == user.pk,
        "earlier_conversations": earlier.order_by("-last_message_at", "-id")[:3],
        "time_zone": timezone.get_current_timezone_name(),
    }


def _get_composer(conversation: Conversation, user: User) -> Composer:
    """Return the user's unsent text, possibly from another device."""
    unsent = UnsentText.objects.filter(conversation=conversation, user=user).first()
    if unsent is None:
        return Composer()
    return Composer(unsent.text, "note" if unsent.is_note else "reply")


def _contact_context(
    request: HttpRequest, conversation: Conversation | None, form: ContactPanelForm | None
) -> dict[str, object]:
    """Return the form of the contact, while the user edits it."""
    user = get_user(request)
    may_edit = role_allows(user.role, Operation.CHANGE, Contact)
    if conversation is None or not may_edit:
        return {}
    # Also in the response to a form, which scripts may send meanwhile.
    if form is None and request.GET.get("edit") == "contact":
        form = ContactPanelForm(instance=conversation.contact, user=user)
    return {"may_edit_contact": True, "contact_form": form}


def _get_failure(conversation: Conversation) -> str:
    """Return why the visitor's last message has no automatic answer, if it is known."""
    if conversation.last_message_author != Author.VISITOR:
        return ""
    replies = Reply.objects.filter(conversation=conversation).order_by("-created_at", "-id")
    return replies.values_list("error", flat=True).first() or ""


def _get_time_zone(request: HttpRequest) -> tzinfo:
    """Return the time zone of the browser, which the page's script stores in a cookie."""
    try:
        return ZoneInfo(request.COOKIES.get("time_zone", ""))
    except (KeyError, ValueError, OSError):
        return timezone.get_default_timezone()
