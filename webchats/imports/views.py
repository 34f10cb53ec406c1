"""Import and export over the API."""

from collections.abc import Iterable
from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.auth.roles import Operation, role_allows
from organizations.models import Organization, User
from organizations.tenancy.models import DOES_NOT_EXIST
from organizations.tenancy.viewsets import TenantViewSet
from webchat_project.api.object_ids import validate_object_id
from webchats.imports.downloads import download
from webchats.imports.formats.readers import FORMATS
from webchats.imports.formats.writers import CONTENT_TYPES
from webchats.imports.importer import Options, Source, format_of, run_import
from webchats.imports.report import Report
from webchats.models import Webchat


class ExportQuerySerializer(serializers.Serializer[Any]):
    """What an export can be asked, beside the list's own filters."""

    format = serializers.ChoiceField(choices=FORMATS, default="csv")


class _Flag(serializers.ChoiceField):
    def __init__(self, **options: Any) -> None:
        super().__init__(choices=("true", "false"), default="false", **options)


class ImportQuerySerializer(serializers.Serializer[Any]):
    """What an import can be asked."""

    dryRun = _Flag(help_text="Do everything, but write nothing.")
    update = _Flag(  # type: ignore[assignment]
        help_text="Change the webchats of the same `_id`, else of the same name."
    )
    skipInvalid = _Flag(help_text="Import the good rows of a file that has bad ones.")
    format = serializers.ChoiceField(
        choices=FORMATS, required=False, help_text="Default: as the file is named."
    )
    organizationId = serializers.CharField(
        required=False,
        validators=[validate_object_id],
        help_text="Where to; superusers only, who must say.",
    )


class ImportFileSerializer(serializers.Serializer[Any]):
    """The body."""

    file = serializers.FileField(help_text="CSV, JSON, NDJSON or XLSX.")


class ProblemSerializer(serializers.Serializer[Any]):
    """One thing that is wrong."""

    line = serializers.IntegerField(
        allow_null=True, help_text="Line, row of the sheet, or number of the item; from 1."
    )
    field = serializers.CharField(allow_blank=True)
    message = serializers.CharField()


class ImportReportSerializer(serializers.Serializer[Any]):
    """What came of an import."""

    status = serializers.ChoiceField(choices=("completed", "checked", "refused"))
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    rejected = serializers.IntegerField()
    problemCount = serializers.IntegerField()
    problems = ProblemSerializer(many=True, help_text="The first thousand.")


_ROWS = {"type": "array", "items": {"type": "object"}}
_EXPORTED = {
    (200, kind.split(";")[0]): OpenApiResponse(
        _ROWS if name == "json" else OpenApiTypes.BINARY, "The file."
    )
    for name, kind in CONTENT_TYPES.items()
}


class IgnoreAcceptHeader(DefaultContentNegotiation):
    """Selects the first renderer: the parameter ``format`` determines the format of an export."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


class TransferViewSet(TenantViewSet[Webchat]):
    """The two calls, for the webchats' viewset to inherit."""

    @extend_schema(
        operation_id="webchats_export",
        filters=True,
        parameters=[ExportQuerySerializer],
        responses=_EXPORTED,
    )
    @action(
        detail=False,
        methods=["get"],
        url_path="export",
        pagination_class=None,
        content_negotiation_class=IgnoreAcceptHeader,
    )
    def export(self, request: Request) -> StreamingHttpResponse:
        """Download webchats as CSV, JSON, NDJSON or XLSX. Takes the list's filters, and what it
        gives can be imported. Icons are storage keys."""
        query = ExportQuerySerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        webchats = self.filter_queryset(self.get_queryset())
        return download(webchats, query.validated_data["format"])

    @extend_schema(
        operation_id="webchats_import",
        parameters=[ImportQuerySerializer],
        request={"multipart/form-data": ImportFileSerializer},
        responses={200: ImportReportSerializer},
    )
    @action(detail=False, methods=["post"], url_path="import", parser_classes=[MultiPartParser])
    def import_file(self, request: Request) -> Response:
        """Import webchats from a file: all of its rows, or none. A dry run answers 200 with the
        report whatever it found; a refused import answers 400 with the report in ``data``."""
        query = ImportQuerySerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        body = ImportFileSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked, file = query.validated_data, body.validated_data["file"]
        user = request.user
        assert isinstance(user, User)
        options = Options(
            update=asked["update"] == "true",
            dry_run=asked["dryRun"] == "true",
            skip_invalid=asked["skipInvalid"] == "true",
        )
        if options.update and not role_allows(user.role, Operation.CHANGE, Webchat):
            raise PermissionDenied
        report = run_import(
            Source(file, file.name, _format(asked.get("format"), file.name)),
            organization=_organization(user, asked.get("organizationId")),
            user=user,
            options=options,
        )
        return _answer(report, options)


def _format(asked: str | None, name: str) -> str:
    format_name = asked or format_of(name)
    if format_name is None:
        message = f"Name the format, or end the file's name in one of: {', '.join(FORMATS)}."
        raise ValidationError({"format": [message]})
    return format_name


def _organization(user: User, asked: str | None) -> Organization:
    if user.organization is not None:
        return user.organization
    organization: Organization | None = Organization.objects.filter(pk=asked or "").first()
    if organization is None:
        raise ValidationError({"organizationId": [DOES_NOT_EXIST.format(kind="organization")]})
    return organization


def _answer(report: Report, options: Options) -> Response:
    document = report.as_document()
    if report.is_good or options.dry_run:
        return Response({"message": report.summary, "data": document})
    details = [
        {"line": found.line, "field": found.field, "code": "invalid", "message": found.reason}
        for found in report.problems
    ]
    body = {
        "error": report.summary,
        "code": "import_refused",
        "details": details,
        "data": document,
    }
    return Response(body, status=status.HTTP_400_BAD_REQUEST)
