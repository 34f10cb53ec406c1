"""Saving, renaming and deleting views of the inbox."""

import re
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from organizations.auth.roles import Operation
from webchat_project.api.object_ids import OBJECT_ID_PATTERN
from webchats.conversations.inbox.access import (
    get_conversation,
    get_organization,
    get_user,
    inbox_view,
)
from webchats.conversations.inbox.lists import get_filters
from webchats.conversations.inbox.view_form import SavedViewForm
from webchats.conversations.inbox.views import get_path, is_htmx, render_inbox
from webchats.conversations.models import Conversation, SavedView

_CHANGED_MEANWHILE: Final = "The view was changed at the same time. Try again."


@inbox_view(Operation.VIEW)
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Save the filters of the query string as a view of the user."""
    conversation = _get_open_conversation(request)
    view = SavedView(
        organization=get_organization(request, conversation),
        user=get_user(request),
        query=get_filters(request).query_string,
    )
    return _save(request, conversation, view)


@inbox_view(Operation.VIEW)
@require_POST
def change(request: HttpRequest, view_pk: str) -> HttpResponse:
    """Rename or share a view."""
    conversation = _get_open_conversation(request)
    return _save(request, conversation, _get_view(request, conversation, view_pk))


@inbox_view(Operation.VIEW)
@require_POST
def delete(request: HttpRequest, view_pk: str) -> HttpResponse:
    """Delete a view. The list stays as it is."""
    conversation = _get_open_conversation(request)
    _get_view(request, conversation, view_pk).delete()
    return _respond(request, conversation)


def _save(request: HttpRequest, conversation: Conversation | None, view: SavedView) -> HttpResponse:
    form = SavedViewForm(request.POST, instance=view)
    if form.is_valid():
        try:
            with transaction.atomic():
                form.save()
        except IntegrityError:
            form.add_error(None, _CHANGED_MEANWHILE)
        else:
            return _respond(request, conversation)
    return render_inbox(request, conversation, status=422, view_form=form)


def _respond(request: HttpRequest, conversation: Conversation | None) -> HttpResponse:
    """Return the page from which the form was sent."""
    if is_htmx(request):
        return render_inbox(request, conversation)
    return redirect(f"{get_path(conversation)}?{request.GET.urlencode()}")


def _get_open_conversation(request: HttpRequest) -> Conversation | None:
    """Return the conversation that the page shows beside the list."""
    pk = request.POST.get("conversation")
    return get_conversation(get_user(request), pk) if pk else None


def _get_view(request: HttpRequest, conversation: Conversation | None, pk: str) -> SavedView:
    """Return a view of the organization that the user may change."""
    user = get_user(request)
    rows = SavedView.objects.for_organization(get_organization(request, conversation).pk)
    view = rows.visible_to(user).filter(pk=pk).first() if _is_id(pk) else None
    if view is None:
        raise Http404("The view does not exist.")
    if not view.can_be_changed_by(user):
        raise PermissionDenied
    return view


def _is_id(text: str) -> bool:
    return re.fullmatch(OBJECT_ID_PATTERN, text) is not None
