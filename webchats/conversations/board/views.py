"""The page of the board, and more cards of one of its columns."""

from contextlib import AbstractContextManager, nullcontext
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from organizations.admin.site import site
from organizations.auth.roles import Operation, role_allows
from organizations.models import Organization, Pipeline
from organizations.tenancy.concurrency import search_slot
from webchats.conversations.board.access import board_view, get_pipeline
from webchats.conversations.board.columns import Board, Filters
from webchats.conversations.inbox.access import get_organization_id, get_user
from webchats.conversations.models import Contact
from webchats.models import Webchat
from webchats.search import MAX_CHARACTERS

#: The webchats that the filter offers.
_MAX_WEBCHATS: Final = 200
#: The parameters of the board's address, which its forms and links keep.
_PARAMETERS: Final = ("organization", "pipeline", "webchat", "search")


@board_view(Operation.VIEW)
@require_safe
def board(request: HttpRequest) -> HttpResponse:
    """Return the board of a pipeline, or the form that chooses an organization."""
    user = get_user(request)
    context = {**site.each_context(request), "title": "Board", "query": get_query(request)}
    organization_id = get_organization_id(request, None)
    if organization_id is None:
        context["organizations"] = Organization.objects.for_user(user)
        return TemplateResponse(request, "admin/board/page.html", context)
    organization = Organization.objects.for_user(user).filter(pk=organization_id).first()
    if organization is None:
        raise Http404("The organization does not exist.")
    pipelines = list(Pipeline.objects.for_organization(organization_id))
    pipeline = get_pipeline(organization_id, request.GET.get("pipeline", ""))
    context |= {
        "organization": organization,
        "pipelines": pipelines,
        "pipeline": pipeline,
        "may_add_pipeline": role_allows(user.role, Operation.ADD, Pipeline),
        "may_move": role_allows(user.role, Operation.CHANGE, Contact),
        "now": timezone.now(),
    }
    if pipeline is not None:
        context |= _get_board_context(request, pipeline)
    return TemplateResponse(request, "admin/board/page.html", context).render()


@board_view(Operation.VIEW)
@require_safe
def more(request: HttpRequest) -> HttpResponse:
    """Return the next cards of a column."""
    shown = get_board(request, get_organization_id(request, None) or "")
    with _slot(request, shown):
        column = shown.get_column(request.GET.get("stage", ""), request.GET.get("after", ""))
    if column is None:
        raise Http404("The stage does not exist.")
    context = {
        "column": column,
        "query": get_query(request),
        "may_move": role_allows(get_user(request).role, Operation.CHANGE, Contact),
        "now": timezone.now(),
    }
    return TemplateResponse(request, "admin/board/cards.html", context).render()


def get_board(request: HttpRequest, organization_id: str) -> Board:
    """Return the board of the query string. Raise ``Http404`` for an unknown pipeline."""
    pipeline = get_pipeline(organization_id, request.GET.get("pipeline", ""))
    if pipeline is None:
        raise Http404("The pipeline does not exist.")
    return Board(pipeline, get_filters(request))


def get_filters(request: HttpRequest) -> Filters:
    """Return the filters of the query string. An unknown webchat has no contacts."""
    search = request.GET.get("search", "").strip()[:MAX_CHARACTERS]
    return Filters(request.GET.get("webchat", ""), search)


def get_query(request: HttpRequest) -> QueryDict:
    """Return the query string that links and forms of the board keep."""
    query = QueryDict(mutable=True)
    query.update({name: request.GET[name] for name in _PARAMETERS if request.GET.get(name)})
    return query


def _slot(request: HttpRequest, shown: Board) -> AbstractContextManager[None]:
    """Return the limit of concurrent searches, which raises ``SearchesBusy``."""
    return search_slot(get_user(request)) if shown.filters.search else nullcontext()


def _get_board_context(request: HttpRequest, pipeline: Pipeline) -> dict[str, object]:
    shown = Board(pipeline, get_filters(request))
    with _slot(request, shown):
        columns = shown.get_columns()
        has_more = shown.has_more
    webchats = Webchat.objects.for_organization(pipeline.organization_id).order_by("name", "pk")
    return {
        "columns": columns,
        "targets": shown.targets,
        "has_more": has_more,
        "filters": shown.filters,
        "webchats": webchats.values("pk", "name")[:_MAX_WEBCHATS],
        "is_filtered": bool(shown.filters.webchat_id or shown.filters.search),
    }
