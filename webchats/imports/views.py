"""Import and export endpoints of the API."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Final, TypeVar

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.auth.roles import Operation, role_allows
from organizations.models import Organization, User
from organizations.tenancy.models import DOES_NOT_EXIST, TenantModel
from organizations.tenancy.viewsets import TenantReadUpdateViewSet
from webchat_project.api.fields import ChoiceField
from webchat_project.api.object_ids import validate_object_id
from webchat_project.api.parsers import FileParser
from webchat_project.api.request_serializers import RequestSerializer
from webchats.imports.exporter import WorkbookTooLarge
from webchats.imports.formats import FORMATS, detect_format
from webchats.imports.importer import ImportRun, run_import
from webchats.imports.options import ImportOptions, ImportSource
from webchats.imports.report import ImportReport

_Row = TypeVar("_Row", bound=TenantModel)
_View = TypeVar("_View", bound=type)

_FORMAT_NAMES: Final = tuple(FORMATS)


class ExportQuerySerializer(serializers.Serializer[dict[str, str]]):
    """Query parameters of an export, in addition to the filters of the list."""

    format = ChoiceField(choices=_FORMAT_NAMES, default="csv")


class _FlagField(ChoiceField):
    """A query parameter: ``true`` or ``false``, by default ``false``."""

    default_error_messages = {"invalid_choice": "Must be true or false."}

    def __init__(self, help_text: str) -> None:
        super().__init__(choices=("true", "false"), default="false", help_text=help_text)


class ImportQuerySerializer(serializers.Serializer[dict[str, str]]):
    """Query parameters of an import."""

    dryRun = _FlagField("Validate the file without writing anything.")
    # The name of the parameter hides ``Serializer.update``, which is not used.
    update = _FlagField(  # type: ignore[assignment]
        "Update the rows with the same `_id`, or else with the same name (contacts: `email`)."
    )
    skipInvalid = _FlagField("Import the valid rows of a file that also has invalid rows.")
    format = ChoiceField(
        choices=_FORMAT_NAMES, required=False, help_text="Default: from the file name."
    )
    organizationId = serializers.CharField(
        required=False,
        validators=[validate_object_id],
        help_text="Required for superusers, ignored for everyone else.",
    )


class ImportFileSerializer(RequestSerializer):
    """The body of an import."""

    file = serializers.FileField(help_text="CSV, JSON, NDJSON or XLSX.")


class ProblemSerializer(serializers.Serializer[object]):
    """An error in a file."""

    line = serializers.IntegerField(
        allow_null=True,
        help_text="Line of the file, row of the sheet or item of the array, from 1.",
    )
    field = serializers.CharField(allow_blank=True)
    message = serializers.CharField()


class ImportReportSerializer(serializers.Serializer[object]):
    """The result of an import."""

    status = serializers.ChoiceField(choices=("completed", "checked", "refused"))
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    rejected = serializers.IntegerField()
    problemCount = serializers.IntegerField()
    problems = ProblemSerializer(many=True, help_text="The first thousand.")


#: The responses of an export in the OpenAPI document.
EXPORT_RESPONSES: Final = {
    (200, file_format.content_type.split(";")[0]): OpenApiResponse(
        {"type": "array", "items": {"type": "object"}} if name == "json" else OpenApiTypes.BINARY,
        "The file.",
    )
    for name, file_format in FORMATS.items()
}


class IgnoreAcceptHeader(DefaultContentNegotiation):
    """Selects the first renderer: the parameter ``format`` determines the format of an export."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


class ImportExportViewSet(TenantReadUpdateViewSet[_Row]):
    """The actions ``import`` and ``export``, for a viewset to inherit.

    ``import_export_operations`` describes them in the OpenAPI document.
    """

    #: Imports the rows of the model.
    run_class: ClassVar[type[ImportRun[Any, Any]]]

    def export_response(
        self, rows: QuerySet[_Row], format_name: str, user: User
    ) -> StreamingHttpResponse:
        """Return the rows as a download. Raise ``WorkbookTooLarge``."""
        raise NotImplementedError

    @action(
        detail=False,
        methods=["get"],
        url_path="export",
        pagination_class=None,
        content_negotiation_class=IgnoreAcceptHeader,
    )
    def export(self, request: Request) -> StreamingHttpResponse:
        """Download rows as CSV, JSON, NDJSON or XLSX. Accepts the filters of the list. The file can
        be imported."""
        query = ExportQuerySerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        rows = self.filter_queryset(self.get_queryset())
        assert isinstance(request.user, User)
        try:
            return self.export_response(rows, query.validated_data["format"], request.user)
        except WorkbookTooLarge as error:
            raise ValidationError({"format": [str(error)]}) from None

    @action(detail=False, methods=["post"], url_path="import", parser_classes=[FileParser])
    def import_file(self, request: Request) -> Response:
        """Import rows from a file: all or none. A dry run returns 200 with the report, even for an
        invalid file. A refused import returns 400 with the report in `data`."""
        query = ImportQuerySerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        body = ImportFileSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        parameters, file = query.validated_data, body.validated_data["file"]
        user = request.user
        assert isinstance(user, User)
        options = ImportOptions(
            update=parameters["update"] == "true",
            dry_run=parameters["dryRun"] == "true",
            skip_invalid=parameters["skipInvalid"] == "true",
            allow_new_ids=user.is_superuser,
        )
        if options.update and not role_allows(user.role, Operation.CHANGE, self.queryset.model):
            raise PermissionDenied
        organization = _organization(user, parameters.get("organizationId"))
        format_name = parameters.get("format") or detect_format(file.name)
        if format_name is None:
            extensions = ", ".join(f".{name}" for name in FORMATS)
            message = f"Set the format, or use a file name that ends in one of {extensions}."
            raise ValidationError({"format": [message]})
        report = run_import(
            ImportSource(file, file.name, format_name),
            organization=organization,
            user=user,
            options=options,
            run_class=self.run_class,
        )
        return _response(report, dry_run=options.dry_run)


def import_export_operations(rows: str) -> Callable[[_View], _View]:
    """Return a decorator of an ``ImportExportViewSet`` that describes both actions.

    ``rows`` is the name of the resource, such as ``webchats``.
    """
    export = extend_schema(
        operation_id=f"{rows}_export",
        summary=f"Export {rows}",
        filters=True,
        parameters=[ExportQuerySerializer],
        responses=EXPORT_RESPONSES,
    )
    import_file = extend_schema(
        operation_id=f"{rows}_import",
        summary=f"Import {rows}",
        parameters=[ImportQuerySerializer],
        request={"multipart/form-data": ImportFileSerializer},
        responses={200: ImportReportSerializer},
    )
    return extend_schema_view(export=export, import_file=import_file)


def _organization(user: User, organization_id: str | None) -> Organization:
    if user.organization is not None:
        return user.organization
    organization = Organization.objects.filter(pk=organization_id or "").first()
    if organization is None:
        raise ValidationError({"organizationId": [DOES_NOT_EXIST.format(kind="organization")]})
    return organization


def _response(report: ImportReport, *, dry_run: bool) -> Response:
    document = report.as_document()
    if report.is_good or dry_run:
        return Response({"message": report.summary, "data": document})
    details = [{**problem, "code": "invalid"} for problem in document["problems"]]
    body = {
        "error": report.summary,
        "code": "import_refused",
        "details": details,
        "data": document,
    }
    return Response(body, status=status.HTTP_400_BAD_REQUEST)
