"""The list of the inbox: its views, filters and rows."""

from dataclasses import dataclass

from django.http import HttpRequest, QueryDict
from django.utils import timezone

from organizations.models import Organization
from webchats.conversations.filters import ConversationFilter
from webchats.conversations.inbox.access import get_user
from webchats.conversations.inbox.built_in_views import BuiltInView, Filters, count_rows
from webchats.conversations.inbox.filter_form import FilterForm
from webchats.conversations.inbox.pages import get_page
from webchats.conversations.models import Conversation


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
    request: HttpRequest, organization: Organization | None, conversation: Conversation | None
) -> dict[str, object]:
    """Return the variables of the list. Without an organization they offer all of them."""
    filters = _get_filters(request)
    query = _get_query(request, filters)
    if organization is None:
        organizations = Organization.objects.for_user(get_user(request))
        return {"query": query, "organizations": organizations, "title": "Inbox"}
    if get_user(request).is_superuser:
        query["organization"] = organization.pk
    cursor = request.GET.get("cursor", "")
    counted = [view for view in BuiltInView if view.is_counted]
    counts = count_rows(request, organization, *counted)
    waiting = counts[BuiltInView.WAITING]
    rows = filters.apply(Conversation.objects.for_organization(organization.pk))
    return {
        "filters": filters,
        "views": _get_view_links(filters, counts, query.get("organization", "")),
        "query": query,
        "search_all": _keep(query, "search", "organization"),
        "filter_form": FilterForm(organization, query.dict()) if "filters" in query else None,
        "page": get_page(rows, cursor, is_waiting=filters.is_waiting),
        "conversation": conversation,
        "now": timezone.now(),
        "waiting": waiting,
        "title": f"({waiting}) Inbox" if waiting else "Inbox",
    }


def _get_filters(request: HttpRequest) -> Filters:
    """Return the filters of the query string; without any, those of the first view."""
    has_filters = request.GET.keys() & ConversationFilter.base_filters.keys()
    return Filters(request, request.GET if has_filters else QueryDict(BuiltInView.WAITING))


def _get_query(request: HttpRequest, filters: Filters) -> QueryDict:
    """Return the query string of every link and form of the page, so that they keep its list."""
    query = QueryDict(mutable=True)
    # Without a filter, the page would show the first view.
    query.update(filters.values or {"state": ""})
    for name in ("filters", "cursor"):
        if value := request.GET.get(name):
            query[name] = value
    return query


def _keep(query: QueryDict, *names: str) -> str:
    kept = QueryDict(mutable=True)
    kept.update({name: str(query[name]) for name in names if name in query})
    return kept.urlencode()


def _get_view_links(filters: Filters, counts: dict[str, str], organization: str) -> list[ViewLink]:
    suffix = f"&organization={organization}" if organization else ""
    return [
        ViewLink(
            key=view.name.lower(),
            label=view.label,
            query_string=view.value + suffix,
            is_current=view == filters.query_string,
            count=counts.get(view, ""),
        )
        for view in BuiltInView
    ]
