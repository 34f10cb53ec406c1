"""The list of the inbox: its views, filters and rows."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass

from django.http import HttpRequest, QueryDict
from django.utils import timezone

from organizations.models import Organization
from organizations.tenancy.concurrency import search_slot
from webchats.conversations.filters import ConversationFilter
from webchats.conversations.inbox.access import get_organization_id, get_user
from webchats.conversations.inbox.built_in_views import (
    COUNTED,
    BuiltInView,
    Filters,
    add_counts,
    get_counts,
)
from webchats.conversations.inbox.filter_form import FilterForm
from webchats.conversations.inbox.pages import Page, get_page, parse_page
from webchats.conversations.inbox.view_form import SavedViewForm
from webchats.conversations.models import Conversation, SavedView
from webchats.conversations.models.saved_view import MAX_VIEWS
from webchats.conversations.presence import load_presence


@dataclass(frozen=True)
class ViewLink:
    """A view in the navigation of the list."""

    #: Unique in the page, for the element's id.
    key: str
    label: str
    query_string: str
    is_current: bool
    count: str = ""


def get_list_context(
    request: HttpRequest, conversation: Conversation | None, view_form: SavedViewForm | None
) -> dict[str, object]:
    """Return the variables of the list. Without an organization they offer all of them.

    ``view_form`` is the form of a view that was not saved.
    """
    filters = get_filters(request)
    query = _get_query(request, filters)
    user = get_user(request)
    organization_id = get_organization_id(request, conversation)
    if organization_id is None:
        organizations = Organization.objects.for_user(user)
        return {"query": query, "organizations": organizations, "title": "Inbox"}
    organization, counts = get_counts(request, organization_id, COUNTED)
    waiting = add_counts(counts[BuiltInView.WAITING], counts[BuiltInView.DRAFTS])
    if user.is_superuser:
        query["organization"] = organization_id
    else:
        # The layout shows its name.
        user.organization = organization
    return {
        "organization": organization,
        "filters": filters,
        **_get_view_context(request, organization, filters, counts, view_form),
        "query": query,
        "is_part": "search" in query and bool(filters.searched_view),
        "search_all": _keep(query, "search", "organization"),
        "filter_form": FilterForm(organization, query.dict()) if "filters" in query else None,
        "page": _get_page(request, filters, organization_id),
        "conversation": conversation,
        "now": timezone.now(),
        "presence": load_presence(organization_id),
        "waiting": waiting,
        "title": f"({waiting}) Inbox" if waiting else "Inbox",
    }


def _get_page(request: HttpRequest, filters: Filters, organization_id: str) -> Page:
    """Return the page of the query string. Raise ``SearchesBusy`` for a search while others run."""
    is_search = "search" in filters.values
    cursor, is_waiting = request.GET.get("cursor", ""), filters.is_waiting
    with search_slot(get_user(request)) if is_search else nullcontext():
        rows = filters.apply(organization_id, None if is_waiting else parse_page(cursor))
        return get_page(rows, cursor, is_waiting=is_waiting)


def get_filters(request: HttpRequest) -> Filters:
    """Return the filters of the query string; without any, those of the first view."""
    has_filters = request.GET.keys() & ConversationFilter.base_filters.keys()
    return Filters(request, request.GET if has_filters else QueryDict(BuiltInView.WAITING))


def _get_query(request: HttpRequest, filters: Filters) -> QueryDict:
    """Return the query string of every link and form of the page, so that they keep its list."""
    query = QueryDict(mutable=True)
    # Without a filter, the page would show the first view.
    query.update(dict(filters.values) or {"state": ""})
    for name in ("filters", "cursor"):
        if value := request.GET.get(name):
            query[name] = value
    return query


def _keep(query: QueryDict, *names: str) -> str:
    kept = QueryDict(mutable=True)
    kept.update({name: str(query[name]) for name in names if name in query})
    return kept.urlencode()


def _get_view_context(
    request: HttpRequest,
    organization: Organization,
    filters: Filters,
    counts: Mapping[str, str],
    form: SavedViewForm | None,
) -> dict[str, object]:
    """Return the built-in and the saved views, and the form that saves or renames one."""
    user = get_user(request)
    rows = SavedView.objects.for_organization(organization.pk).visible_to(user)
    saved = list(rows.order_by("name", "pk")[: 2 * MAX_VIEWS])
    suffix = f"&organization={organization.pk}" if user.is_superuser else ""
    links = [
        *((view.name.lower(), view.label, view.value) for view in BuiltInView),
        *((view.pk, view.name, view.query) for view in saved),
    ]
    current = [
        view
        for view in saved
        if view.query == filters.query_string and view.can_be_changed_by(user)
    ]
    queries = [query for _, _, query in links]
    marked = filters.query_string if filters.query_string in queries else filters.searched_view
    view_form = form or SavedViewForm(instance=current[0] if current else None)
    return {
        "views": [
            ViewLink(
                key=key,
                label=label,
                query_string=(query or "state=") + suffix,
                is_current=query == marked,
                count=counts.get(query, ""),
            )
            for key, label, query in links
        ],
        "view_form": view_form,
        # A view that has not been saved has an id, too.
        "changed_view": None if view_form.instance._state.adding else view_form.instance,
    }
