"""The REST API of reports. Department heads and administrators read them."""

from datetime import date
from typing import Any, ClassVar, Final, cast

from django.db.models import Q
from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from organizations.models import Organization, User
from organizations.tenancy.concurrency import search_slot
from organizations.time_zones import get_time_zone
from webchat_project.api.cursors import CursorPagination
from webchats.conversations.api import report_examples as examples
from webchats.conversations.api.report_rows import ReportRowSerializer
from webchats.conversations.api.report_serializers import (
    DrillDownQuerySerializer,
    ReportQuerySerializer,
    SummaryResponseSerializer,
    VolumeResponseSerializer,
)
from webchats.conversations.live.access import find_organization_id
from webchats.conversations.models import RetainedConversation
from webchats.conversations.reports import Period, ReportFilter, load_report, load_summary
from webchats.conversations.reports.conditions import find_condition
from webchats.conversations.reports.loading import load_bars
from webchats.conversations.reports.periods import DEFAULT_DAYS
from webchats.conversations.reports.rows import EXPORTED, read_rows, with_resolution
from webchats.conversations.reports.sources import Sources
from webchats.conversations.reports.tables import COLUMNS, table_rows
from webchats.imports.exporter import WorkbookTooLarge, rows_response
from webchats.imports.views import EXPORT_RESPONSES, ExportQuerySerializer, IgnoreAcceptHeader

_FILTERS: Final = {
    "webchatId": "webchat_id",
    "userId": "rep_id",
    "promptId": "prompt_id",
    "promptVersion": "prompt_version",
}


class ReportView(APIView):
    """A view of one report, whose query string selects it."""

    #: Whose roles apply.
    queryset = RetainedConversation.objects.all()
    #: For another organization.
    error_statuses: ClassVar[set[str]] = {"404"}
    query_class: ClassVar[type[ReportQuerySerializer]] = ReportQuerySerializer

    def select(self, request: Request) -> Sources:
        """Return the conversations that the query string selects.

        Raise ``ValidationError`` for a malformed parameter, and ``NotFound`` for another
        organization.
        """
        user = cast("User", request.user)
        pk = find_organization_id(user, request.query_params.get("organization", ""))
        organization = Organization.objects.get(pk=pk)
        query = self.query_class(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        self.values: dict[str, Any] = query.validated_data
        chosen = {name: self.values.get(parameter) for parameter, name in _FILTERS.items()}
        return Sources(organization, self._get_period(organization), ReportFilter(**chosen))

    def _get_period(self, organization: Organization) -> Period:
        zone = get_time_zone(organization.time_zone)
        last: date = self.values.get("to") or timezone.now().astimezone(zone).date()
        default = date.fromordinal(max(last.toordinal() - DEFAULT_DAYS + 1, 1))
        first = self.values.get("from") or default
        try:
            return Period(first, last, zone)
        except ValueError as error:
            raise ValidationError({"from": [str(error)]}) from None

    def find_key(self, sources: Sources) -> Q:
        """Return the condition of the parameter ``key``. Raise ``ValidationError``."""
        key = self.values.get("key") or "conversations"
        try:
            return find_condition(key, sources.period, timezone.now())
        except ValueError:
            message = "Unknown key. Send the key of a number of the report."
            raise ValidationError({"key": [message]}) from None

    def download(self, columns: Any, rows: Any, name: str) -> StreamingHttpResponse:
        """Return rows as a file. Raise ``ValidationError`` for a workbook that is too large."""
        user = cast("User", self.request.user)
        try:
            return rows_response(columns, rows, self.get_format(), name=name, user=user)
        except WorkbookTooLarge as error:
            raise ValidationError({"format": [str(error)]}) from None

    def get_format(self) -> str:
        """Return the format of a file. Raise ``ValidationError`` for an unknown one."""
        query = ExportQuerySerializer(data=self.request.query_params.dict())
        query.is_valid(raise_exception=True)
        name: str = query.validated_data["format"]
        return name


@extend_schema(tags=["reports"], parameters=[ReportQuerySerializer])
class SummaryView(ReportView):
    """The figures of a period and of the preceding period."""

    @extend_schema(
        operation_id="reports_summary",
        summary="Get figures",
        responses=SummaryResponseSerializer,
        examples=[OpenApiExample("Example", {"data": examples.SUMMARIES}, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        """Return the figures of the conversations whose first visitor message is in the period,
        and those of the equally long period before."""
        sources = self.select(request)
        arguments = (sources.organization, sources.period, sources.filter)
        with search_slot(cast("User", request.user)):
            before = load_summary(sources.organization, sources.period.before, sources.filter)
            content = {"current": load_summary(*arguments), "before": before}
        return Response(SummaryResponseSerializer({"data": content}).data)


@extend_schema(tags=["reports"], parameters=[ReportQuerySerializer])
class VolumeView(ReportView):
    """The bars of a report."""

    @extend_schema(
        operation_id="reports_volume",
        summary="Get numbers of conversations by time, webchat, user and prompt",
        responses=VolumeResponseSerializer,
        examples=[OpenApiExample("Example", {"data": examples.VOLUME}, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        """Return the number of conversations by day, hour of the week, webchat, representative and
        prompt version, and the tokens and cost of the calls made in the period."""
        sources = self.select(request)
        with search_slot(cast("User", request.user)):
            volume, usage = load_bars(sources.organization, sources.period, sources.filter)
        content = {"period": sources.period, "volume": volume, "prompt_usage": usage}
        return Response(VolumeResponseSerializer({"data": content}).data)


@extend_schema(tags=["reports"], parameters=[DrillDownQuerySerializer])
class ReportConversationsView(ReportView):
    """The conversations behind a number of a report."""

    query_class = DrillDownQuerySerializer
    pagination_class = CursorPagination

    @extend_schema(
        operation_id="reports_conversations_list",
        summary="List conversations of a report",
        responses=ReportRowSerializer(many=True),
        examples=[OpenApiExample("Example", examples.CONVERSATION, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        """Return the conversations of the report, or those behind one number of it: `key`.

        Newest first. Conversations that were deleted after the retention period are only in the
        numbers and in the export.
        """
        sources = self.select(request)
        rows = sources.stored.filter(self.find_key(sources))
        ordered = with_resolution(rows, timezone.now()).order_by("-first_message_at", "-id")
        paginator = self.pagination_class()
        with search_slot(cast("User", request.user)):
            page = paginator.paginate_queryset(ordered, request, self)
        # Any: rows of either model, a list.
        found: Any = page
        return paginator.get_paginated_response(ReportRowSerializer(found, many=True).data)


@extend_schema(tags=["reports"], parameters=[DrillDownQuerySerializer, ExportQuerySerializer])
class ReportConversationsExportView(ReportView):
    """The conversations of a report as a file."""

    query_class = DrillDownQuerySerializer
    content_negotiation_class = IgnoreAcceptHeader

    @extend_schema(
        operation_id="reports_conversations_export",
        summary="Export conversations of a report",
        responses=EXPORT_RESPONSES,
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Download one row per conversation as CSV, JSON, NDJSON or XLSX, oldest first.

        Conversations that were deleted after the retention period come last, without `_id`.
        """
        sources = self.select(request)
        rows = read_rows(sources, self.find_key(sources), timezone.now())
        return self.download(EXPORTED, rows, sources.period.name_file("conversations"))


@extend_schema(tags=["reports"], parameters=[ReportQuerySerializer, ExportQuerySerializer])
class ReportExportView(ReportView):
    """The numbers of a report as a file."""

    content_negotiation_class = IgnoreAcceptHeader

    @extend_schema(
        operation_id="reports_export", summary="Export figures", responses=EXPORT_RESPONSES
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Download all numbers of the report as CSV, JSON, NDJSON or XLSX, one per row, with those
        of the period before."""
        sources = self.select(request)
        with search_slot(cast("User", request.user)):
            report = load_report(sources.organization, sources.period, sources.filter)
            before = load_summary(sources.organization, sources.period.before, sources.filter)
        name = sources.period.name_file("report")
        return self.download(COLUMNS, table_rows(report, before), name)
