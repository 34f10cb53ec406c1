"""The actions on a conversation in the inbox. Each is a form, also without JavaScript."""

from collections.abc import Callable

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from organizations.auth.roles import Operation
from webchats.conversations import services
from webchats.conversations.errors import (
    AnsweredMeanwhile,
    ConversationConflict,
    DraftChanged,
)
from webchats.conversations.inbox.access import View, get_conversation, get_user, inbox_view
from webchats.conversations.inbox.forms import AssignForm, ComposerForm, ReadForm
from webchats.conversations.inbox.views import Composer, is_htmx, render_inbox
from webchats.conversations.models import Author, Conversation, Draft, Message
from webchats.conversations.presence import report_presence
from webchats.conversations.transitions import State


def action(view: Callable[[HttpRequest, Conversation], Composer | None]) -> View:
    """Make an action a view, which responds with the thread after it.

    The action returns ``None``, or the content of the composer with an error. A conflict with the
    conversation's state is a 409.
    """

    @inbox_view(Operation.CHANGE)
    @require_POST
    def respond(request: HttpRequest, pk: str) -> HttpResponse:
        user = get_user(request)
        conversation = get_conversation(user, pk)
        try:
            composer, status = view(request, conversation), 422
        except ConversationConflict as conflict:
            composer, status = _refuse_conflict(request, conflict), conflict.status_code
        if composer is None and not is_htmx(request):
            response = redirect("inbox:conversation", pk=pk)
            response.headers["Location"] += f"?{request.GET.urlencode()}"
            return response
        return render_inbox(
            request, get_conversation(user, pk), composer, status=status if composer else 200
        )

    return respond


def _refuse_conflict(request: HttpRequest, conflict: ConversationConflict) -> Composer:
    answer = conflict.answer if isinstance(conflict, AnsweredMeanwhile) else None
    text = str(conflict.detail)
    if isinstance(conflict, DraftChanged):
        text = f"{_describe(conflict.draft)} What you have written is below."
    return refuse(request, text, answer)


def _describe(draft: Draft) -> str:
    """Return the conflict about a draft."""
    if draft.decided_by is not None:
        return f"{draft.decided_by.get_full_name()} has {draft.state} the draft meanwhile."
    return "The draft has changed meanwhile."


def refuse(request: HttpRequest, error: str, answer: Message | None = None) -> Composer:
    """Return the user's input, to show it again with an error."""
    sent = request.POST
    mode = "note" if sent.get("mode") == "note" else "reply"
    return Composer(sent.get("text", ""), mode, error, answer, sent.get("client_key", ""))


@action
def send(request: HttpRequest, conversation: Conversation) -> Composer | None:
    """Send a reply to the visitor, or add a note."""
    user = get_user(request)
    form = ComposerForm(request.POST)
    if not form.is_valid():
        return refuse(request, str(next(iter(form.errors.values()))[0]))
    values = form.cleaned_data
    if values["mode"] == "note":
        try:
            services.add_note(conversation=conversation, user=user, text=values["text"])
        except ValidationError as error:
            return refuse(request, error.messages[0])
        return None
    if conversation.state == State.CLOSED and values["reopen"]:
        services.reopen(conversation=conversation, user=user)
    services.send_rep_message(
        conversation=conversation,
        user=user,
        text=values["text"],
        client_key=values["client_key"],
        after=values["after"],
    )
    # Colleagues see the message instead of typing.
    report_presence(
        organization_id=conversation.organization_id, user=user, conversation=conversation
    )
    return None


@action
def read(request: HttpRequest, conversation: Conversation) -> None:
    """Mark the messages up to a sequence as read."""
    form = ReadForm(request.POST)
    if form.is_valid():
        services.mark_read(
            conversation=conversation, reader=Author.REP, sequence=form.cleaned_data["sequence"]
        )


@action
def take_over(request: HttpRequest, conversation: Conversation) -> None:
    """Make the user the representative who answers."""
    services.take_over(conversation=conversation, user=get_user(request))


@action
def assign(request: HttpRequest, conversation: Conversation) -> Composer | None:
    """Assign the conversation to a colleague, or to nobody."""
    form = AssignForm(conversation, get_user(request), request.POST)
    if not form.is_valid():
        return refuse(request, "This person is not an active member of the organization.")
    services.assign(
        conversation=conversation,
        assignee=form.cleaned_data["assignee"],
        former_id=form.cleaned_data["former"],
    )
    return None


@action
def close(request: HttpRequest, conversation: Conversation) -> None:
    """Close the conversation."""
    services.close(conversation=conversation, user=get_user(request))


@action
def reopen(request: HttpRequest, conversation: Conversation) -> None:
    """Reopen the conversation for the user."""
    services.reopen(conversation=conversation, user=get_user(request))
