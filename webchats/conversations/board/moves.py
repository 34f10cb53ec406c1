"""The form that moves a contact to another stage of the board's pipeline."""

from collections.abc import Mapping

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from organizations.admin.site import site
from organizations.auth.roles import Operation
from organizations.models import Stage
from webchats.conversations import services
from webchats.conversations.board.access import board_view, get_contact
from webchats.conversations.board.columns import NO_STAGE, Card, add_conversations
from webchats.conversations.board.views import get_board, get_query
from webchats.conversations.errors import ContactGone, MovedMeanwhile
from webchats.conversations.inbox.access import get_user
from webchats.conversations.models import Contact

_UNKNOWN = "This stage does not exist any more. Reload the board."


@board_view(Operation.CHANGE)
@require_http_methods(["GET", "HEAD", "POST"])
def move(request: HttpRequest, pk: str) -> HttpResponse:
    """Show the form for one contact, or move it.

    ``stage`` is the id of the new stage and ``from`` that of the stage where the user has seen the
    contact; empty for none. The board's script requests JSON: the card, the column where the
    contact is now, and the counts of all columns. 409 if somebody else has moved the contact, 422
    if the stage is not one that a contact can enter.
    """
    contact = get_contact(get_user(request), pk)
    if request.method != "POST":
        return _show_form(request, contact)
    status, error = 200, ""
    try:
        contact = _move(request, contact)
    except ContactGone:
        raise Http404("The contact does not exist any more.") from None
    except MovedMeanwhile as refused:
        contact, status, error = refused.contact, refused.status_code, str(refused.detail)
    except ValidationError as invalid:
        contact, status, error = get_contact(get_user(request), pk), 422, invalid.messages[0]
    stage = contact.stage.name if contact.stage else "No stage"
    text = error or f"{contact} moved to {stage}."
    if request.headers.get("Accept") == "application/json":
        return JsonResponse(_describe(request, contact, stage, text), status=status)
    if error:
        messages.error(request, text)
    else:
        messages.success(request, text)
    return HttpResponseRedirect(f"{reverse('board:board')}?{get_query(request).urlencode()}")


def _move(request: HttpRequest, contact: Contact) -> Contact:
    """Move the contact. Raise ``MovedMeanwhile`` or ``ValidationError``."""
    stages = Stage.objects.for_organization(contact.organization_id).select_related("pipeline")
    stage_id, from_id = request.POST.get("stage", ""), request.POST.get("from")
    stage = stages.filter(pk=stage_id).first() if stage_id else None
    if stage_id and stage is None:
        raise ValidationError(_UNKNOWN, "does_not_exist")
    user = get_user(request)
    if from_id is None:
        return services.move(contact=contact, stage=stage, user=user)
    # The stage may have been deleted, after another user has moved its contacts.
    expected = Stage(pk=from_id) if from_id else None
    return services.move(contact=contact, stage=stage, user=user, expected_stage=expected)


def _describe(
    request: HttpRequest, contact: Contact, stage: str, text: str
) -> Mapping[str, object]:
    board = get_board(request, contact.organization_id)
    counts = board.count()
    card = Card(contact)
    add_conversations([card])
    context = {"card": card, "query": get_query(request), "may_move": True}
    key = contact.stage_id or NO_STAGE
    html = render_to_string("admin/board/card.html", {**context, "now": timezone.now()}, request)
    # A contact of another pipeline is on no column of this board.
    is_shown = contact.pipeline_id in (board.pipeline.pk, None)
    return {
        "text": text,
        "stage": key if is_shown else None,
        "stageName": stage,
        "counts": counts,
        "card": html,
    }


def _show_form(request: HttpRequest, contact: Contact) -> HttpResponse:
    context = {
        **site.each_context(request),
        "title": f"Move {contact} to…",
        "contact": contact,
        "targets": get_board(request, contact.organization_id).targets,
        "query": get_query(request),
    }
    return TemplateResponse(request, "admin/board/move.html", context)
