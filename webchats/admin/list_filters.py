"""The filters of the list of webchats."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Field, Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from organizations.models import User
from organizations.tenancy.change_lists import NamesFilter
from webchats.models import Webchat, WebchatQuerySet
from webchats.warnings import find_warnings, get_titles

if TYPE_CHECKING:
    from django.contrib.admin.filters import _ListFilterChoices

#: The arguments of a filter by a field: the field, the request, the query parameters, the model and
#: its admin. The last one is ``field_path``.
_Arguments: TypeAlias = tuple[
    Field[object, object],
    HttpRequest,
    dict[str, list[str]],
    type[Model],
    "admin.ModelAdmin[Webchat]",
]

_RECENT: Final = timedelta(days=30)


class EnabledFilter(admin.BooleanFieldListFilter):
    """A filter by ``is_enabled`` with the labels of the list's badges."""

    def __init__(self, *args: *_Arguments, field_path: str) -> None:
        super().__init__(*args, field_path)
        self.title = "state"

    def choices(self, changelist: ChangeList) -> Iterator["_ListFilterChoices"]:
        """Yield Django's choices with other labels."""
        labels = ("All", "Enabled", "Disabled")
        for label, choice in zip(labels, super().choices(changelist), strict=True):
            yield {**choice, "display": label}


class PipelineFilter(NamesFilter):
    """A filter by pipeline whose choice for none has a name."""

    def __init__(self, *args: *_Arguments, field_path: str) -> None:
        super().__init__(*args, field_path)
        self.empty_value_display = SafeString("No pipeline")


class WarningFilter(admin.SimpleListFilter):
    """A filter by the warnings of the overview, such as webchats that every site may embed."""

    title = "needs attention"
    parameter_name = "warning"

    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Webchat]"
    ) -> list[tuple[str, str]]:
        """Return a choice for each warning, and one for any of them."""
        return [("any", "Any warning"), *get_titles().items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Webchat]) -> QuerySet[Webchat]:
        """Return the webchats with the selected warning."""
        code = self.value()
        if code is None:
            return queryset
        assert isinstance(queryset, WebchatQuerySet)
        assert isinstance(request.user, User)
        return queryset.filter(find_warnings(queryset, request.user).condition(code))


class LastLoadFilter(admin.SimpleListFilter):
    """A filter by the last load of the widget, which shows whether it is installed."""

    title = "last loaded"
    parameter_name = "loaded"

    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Webchat]"
    ) -> list[tuple[str, str]]:
        """Return the choices."""
        return [
            ("recently", "In the last 30 days"),
            ("earlier", "Not in the last 30 days"),
            ("never", "Never"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Webchat]) -> QuerySet[Webchat]:
        """Return the webchats of the selected choice."""
        limit = timezone.now() - _RECENT
        match self.value():
            case "recently":
                return queryset.filter(last_load__loaded_at__gte=limit)
            case "earlier":
                return queryset.filter(last_load__loaded_at__lt=limit)
            case "never":
                return queryset.filter(last_load=None)
        return queryset
