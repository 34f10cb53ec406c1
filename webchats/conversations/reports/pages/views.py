"""The page with the report, and the list of the conversations behind one of its numbers."""

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from organizations.admin.site import site
from organizations.models import Organization
from organizations.tenancy.concurrency import search_slot
from webchats.conversations.inbox.access import get_user
from webchats.conversations.models import Conversation
from webchats.conversations.reports.definitions import DEFINITIONS
from webchats.conversations.reports.drill_down import find_conversations
from webchats.conversations.reports.loading import load_report, load_summary_and_days
from webchats.conversations.reports.pages.access import report_view
from webchats.conversations.reports.pages.exports import FORMATS
from webchats.conversations.reports.pages.form import PRESETS, ReportForm
from webchats.conversations.reports.pages.headlines import make_headlines
from webchats.conversations.reports.pages.layout import make_sections, make_usage
from webchats.conversations.reports.pages.links import Links
from webchats.conversations.reports.pages.numbers import describe
from webchats.conversations.reports.pages.rows import get_page
from webchats.conversations.reports.texts import format_days


@report_view
def report(request: HttpRequest, organization: Organization | None) -> HttpResponse:
    """Show the figures of a period, each beside that of the period before."""
    if organization is None:
        return _choose_organization(request)
    form = ReportForm(organization, request.GET, timezone.now())
    context = {**_get_context(request, organization, form), "title": "Reports"}
    if form.is_valid():
        period, filters = form.period, form.report_filter
        with search_slot(get_user(request)):
            now = load_report(organization, period, filters)
            before, days_before = load_summary_and_days(organization, period.before, filters)
        links = Links(form.query)
        context |= {
            "report": now,
            "period_text": format_days(period.first, period.last),
            "before_text": format_days(period.before.first, period.before.last),
            "headlines": make_headlines(now, before, links),
            "sections": make_sections(now, days_before, links),
            "usage": make_usage(now),
            "usage_definition": DEFINITIONS["usage"],
            "export_query": form.query.urlencode(),
            "is_new": not (now.conversations or before.conversations)
            and not Conversation.objects.for_organization(organization.pk).exists(),
        }
    return TemplateResponse(request, "admin/reports/report.html", context)


@report_view
def conversations(request: HttpRequest, organization: Organization | None) -> HttpResponse:
    """List the conversations behind a number. Raise ``Http404`` if there is no such number."""
    if organization is None:
        raise Http404("No organization is chosen.")
    form = ReportForm(organization, request.GET, timezone.now())
    context = _get_context(request, organization, form)
    context["title"] = "Conversations"
    if form.is_valid():
        key = request.GET.get("key", "")
        try:
            with search_slot(get_user(request)):
                found = find_conversations(organization, form.period, form.report_filter, key)
                total = found.rows.count()
                page = get_page(found.rows, request.GET.get("cursor", ""))
        except ValueError as error:
            raise Http404(str(error)) from None
        query = form.query
        query["key"] = key
        context |= {
            "title": describe(key, organization),
            "period_text": format_days(form.period.first, form.period.last),
            "page": page,
            "total": total,
            "retained": found.retained,
            "all": total + found.retained,
            "query": query.urlencode(),
            "report_query": form.query.urlencode(),
            "is_first": not request.GET.get("cursor"),
        }
    response = TemplateResponse(request, "admin/reports/conversations.html", context)
    with timezone.override(form.zone):
        return response.render()


def _get_context(
    request: HttpRequest, organization: Organization, form: ReportForm
) -> dict[str, object]:
    user = get_user(request)
    return {
        **site.each_context(request),
        "organization": organization,
        "organizations": Organization.objects.for_user(user) if user.is_superuser else None,
        "form": form,
        "presets": [
            (label, form.preset_query(preset).urlencode(), form.preset == preset)
            for preset, label in PRESETS
        ],
        "time_zone": form.zone.key,
        "formats": FORMATS.items(),
    }


def _choose_organization(request: HttpRequest) -> HttpResponse:
    context = {
        **site.each_context(request),
        "title": "Reports",
        "organizations": Organization.objects.for_user(get_user(request)),
    }
    return TemplateResponse(request, "admin/reports/report.html", context)
