"""Downloads of a report: its numbers, and the conversations behind one of them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from organizations.models import Organization
from organizations.tenancy.concurrency import search_slot
from webchats.conversations.inbox.access import get_user
from webchats.conversations.reports.conditions import find_condition
from webchats.conversations.reports.loading import load_report, load_summary
from webchats.conversations.reports.pages.access import report_view
from webchats.conversations.reports.pages.form import ReportForm
from webchats.conversations.reports.rows import EXPORTED, read_rows
from webchats.conversations.reports.sources import Sources
from webchats.conversations.reports.tables import COLUMNS, table_rows
from webchats.imports.exporter import WorkbookTooLarge, rows_response

#: The formats of the buttons, with their labels. The API has others, too.
FORMATS: Final = {"csv": "CSV", "xlsx": "Excel"}


@report_view
def export_report(request: HttpRequest, organization: Organization | None) -> HttpResponseBase:
    """Download every number of the report, with those of the period before."""
    form = _get_form(request, organization)
    arguments = (form.organization, form.period, form.report_filter)
    with search_slot(get_user(request)):
        report = load_report(*arguments)
        before = load_summary(form.organization, form.period.before, form.report_filter)
    return _download(request, form, COLUMNS, lambda: table_rows(report, before), "report")


@report_view
def export_conversations(
    request: HttpRequest, organization: Organization | None
) -> HttpResponseBase:
    """Download a row for each conversation behind a number of the report."""
    form, now = _get_form(request, organization), timezone.now()
    sources = Sources(form.organization, form.period, form.report_filter)
    try:
        key = request.GET.get("key", "conversations")
        condition = find_condition(key, form.period, now)
    except ValueError as error:
        raise Http404(str(error)) from None
    rows = read_rows(sources, condition, now)
    return _download(request, form, EXPORTED, lambda: rows, "conversations")


def _get_form(request: HttpRequest, organization: Organization | None) -> ReportForm:
    """Return the valid form of the query string. Raise ``Http404``: links are always valid."""
    if organization is None or request.GET.get("format") not in FORMATS:
        raise Http404("There is no such file.")
    form = ReportForm(organization, request.GET, timezone.now())
    if not form.is_valid():
        raise Http404("There is no such report.")
    return form


def _download(
    request: HttpRequest,
    form: ReportForm,
    columns: Sequence[str],
    make_rows: Callable[[], Iterator[list[object]]],
    content: str,
) -> HttpResponseBase:
    """Return the file, or back to the report with a message if a workbook would be too large."""
    try:
        user, name = get_user(request), form.period.name_file(content)
        return rows_response(columns, make_rows(), request.GET["format"], name=name, user=user)
    except WorkbookTooLarge as error:
        messages.error(request, str(error))
        return redirect(f"{reverse('reports:report')}?{form.query.urlencode()}")
