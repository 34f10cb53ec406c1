"""The operations of viewsets in the OpenAPI document: texts, headers and parameters."""

from collections.abc import Callable
from typing import Any, Final, TypedDict, TypeVar

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    extend_schema_view,
)

from webchat_project.api.viewsets import VERSIONED_METHODS, ReadUpdateViewSet

_View = TypeVar("_View", bound=type)

_METHODS: Final = ("get", "post", "put", "patch", "delete")
#: Summary and description by action.
_TEXTS: Final = {
    "list": ("List {plural}", "Newest first, in pages."),
    "create": (
        "Create {name}",
        "`null` for an optional field sets its default. Unknown names are listed in `ignored`.",
    ),
    "retrieve": ("Get {name}", "The `ETag` of the response is the version of the document."),
    "update": ("Update {name}", "The same as PATCH: fields that are not sent keep their values."),
    "partial_update": (
        "Update {name}",
        "Fields that are not sent keep their values. `null` for an optional field sets its "
        "default. Unknown names are listed in `ignored`.",
    ),
    "destroy": ("Delete {name}", "A row that others use cannot be deleted: 409."),
}
#: The actions whose body is a document.
_WITH_DOCUMENT: Final = ("create", "update", "partial_update")

ETAG_HEADER: Final[dict[str, object]] = {
    "description": "The version of the document, for `If-Match`.",
    "schema": {"type": "string"},
    "example": '"6613897ca224d"',
}
LOCATION_HEADER: Final[dict[str, object]] = {
    "description": "The path of the row.",
    "schema": {"type": "string"},
}
IF_MATCH: Final = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="An `ETag`. The row is written only if it still has this version: 412 otherwise.",
)


class Paths(TypedDict):
    """The part of the OpenAPI document that the hooks change: operations by method."""

    paths: dict[str, dict[str, dict[str, Any]]]


def request_examples(
    *, create: dict[str, object] | None = None, update: dict[str, object] | None = None
) -> Callable[[_View], _View]:
    """Return a decorator of a viewset that adds examples of request bodies."""
    operations = {}
    if create is not None:
        operations["create"] = _request_example(create)
    if update is not None:
        operations |= dict.fromkeys(("update", "partial_update"), _request_example(update))
    return extend_schema_view(**operations)


def response_example(document: dict[str, object]) -> Callable[[_View], _View]:
    """Return a decorator of a viewset that adds an example of its document."""
    example = OpenApiExample("Example", {"data": document}, response_only=True)
    return extend_schema_view(retrieve=extend_schema(examples=[example]))


def _request_example(body: dict[str, object]) -> Callable[[_View], _View]:
    return extend_schema(examples=[OpenApiExample("Example", body, request_only=True)])


def sort_methods(result: Paths, **options: object) -> Paths:
    """Sort the operations of each path: reads first (a hook of drf-spectacular)."""
    for path, operations in result["paths"].items():
        result["paths"][path] = dict(
            sorted(operations.items(), key=lambda item: _METHODS.index(item[0]))
        )
    return result


def remove_filter_examples(result: Paths, **options: object) -> Paths:
    """Remove the examples of filters, with which "Try it out" finds nothing (a hook)."""
    for operations in result["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "query" and not parameter.get("required"):
                    parameter["schema"].pop("example", None)
    return result


def get_texts(view: object) -> tuple[str, str] | None:
    """Return the summary and the description of a view's action, such as ``List webchats``."""
    if not isinstance(view, ReadUpdateViewSet) or view.action not in _TEXTS:
        return None
    options = view.queryset.model._meta
    names = {"name": options.verbose_name, "plural": options.verbose_name_plural}
    summary, description = _TEXTS[view.action]
    return summary.format(**names), description


def writes_row(view: object, method: str) -> bool:
    """Return whether the operation writes a row, which ``If-Match`` may name a version of."""
    return isinstance(view, ReadUpdateViewSet) and view.detail and method in VERSIONED_METHODS


def returns_row(view: object, serializer: object) -> bool:
    """Return whether the response is the document of the view's row, which has a version."""
    serializer_class = serializer if isinstance(serializer, type) else type(serializer)
    row_class = type(view).serializer_class if isinstance(view, ReadUpdateViewSet) else None
    return row_class is not None and issubclass(serializer_class, row_class)


def takes_document(view: object) -> bool:
    """Return whether the body is a document, whose unknown names the response lists."""
    return isinstance(view, ReadUpdateViewSet) and view.action in _WITH_DOCUMENT
