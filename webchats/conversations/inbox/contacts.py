"""The contact beside the thread, which representatives edit without leaving the conversation."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from organizations.auth.roles import Operation, role_allows
from webchats.conversations.contacts import publish_contact
from webchats.conversations.errors import ConversationConflict
from webchats.conversations.inbox.access import get_conversation, get_user, inbox_view
from webchats.conversations.inbox.forms import ContactPanelForm
from webchats.conversations.inbox.views import is_htmx, render_inbox
from webchats.conversations.locking import lock, lock_contact
from webchats.conversations.models import Contact, Conversation
from webchats.conversations.moves import save_contact


@inbox_view(Operation.VIEW)
@require_POST
@transaction.atomic
def edit_contact(request: HttpRequest, pk: str) -> HttpResponse:
    """Save the contact of a conversation, or show the form again with its errors."""
    user = get_user(request)
    if not role_allows(user.role, Operation.CHANGE, Contact):
        raise PermissionDenied
    conversation = get_conversation(user, pk)
    contact = _lock_contact(conversation)
    form = ContactPanelForm(request.POST, instance=contact, user=user)
    if not form.is_valid():
        return _refuse(request, conversation, form)
    if form.has_changed():
        save_contact(form.save(commit=False), user)
        publish_contact(contact)
    if is_htmx(request):
        return render_inbox(request, get_conversation(user, pk))
    response = redirect("inbox:conversation", pk=pk)
    response.headers["Location"] += f"?{request.GET.urlencode()}"
    return response


def _lock_contact(conversation: Conversation) -> Contact:
    """Return the locked contact, another one if the former was merged. Raise ``Http404``."""
    try:
        return lock_contact(lock(conversation).contact_id)
    except ConversationConflict:
        raise Http404("The conversation does not exist any more.") from None


def _refuse(
    request: HttpRequest, conversation: Conversation, form: ContactPanelForm
) -> HttpResponse:
    """Return the form with its errors: the page, or for htmx the form alone, which it keeps."""
    if not is_htmx(request):
        return render_inbox(request, conversation, contact_form=form, status=422)
    query = QueryDict(request.GET.urlencode())
    context = {"contact_form": form, "conversation": conversation, "page_query": query}
    context["path"] = reverse("inbox:conversation", args=[conversation.pk])
    response = TemplateResponse(request, "admin/inbox/contact_form.html", context, status=422)
    response.headers["HX-Retarget"] = f"#edit-contact-{conversation.pk}"
    response.headers["HX-Reswap"] = "outerHTML"
    return response.render()
