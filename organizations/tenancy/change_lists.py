"""Change lists of rows of organizations, and their filters."""

from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Field, Q, TextField
from django.http import HttpRequest

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

#: The choices of a filter, of which a page lists all.
MAX_CHOICES: Final = 500


class NamesFilter(admin.RelatedOnlyFieldListFilter):
    """A filter by the rows that the list refers to, of which it reads only the names.

    Django's class reads the rows with all of their columns. A list offers the first
    ``MAX_CHOICES``, and the selected row.
    """

    # Any: the choices have no type of their own in the stubs.
    def field_choices(
        self, field: "Field[Any, Any]", request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
    ) -> "list[tuple[str, str | _StrPromise]]":
        """Return the ids and names, in the order of the names."""
        listed = model_admin.get_queryset(request).order_by().prefetch_related(None)
        model = field.related_model
        assert isinstance(model, type)
        rows = model._default_manager.order_by("name", "pk").values_list("pk", "name")
        choices: list[Any] = list(rows.filter(pk__in=listed.values(self.field_path))[:MAX_CHOICES])
        if len(choices) == MAX_CHOICES:
            selected = set(self.lookup_val or ()) - {pk for pk, _ in choices}
            choices += rows.filter(Q(pk__in=selected) & Q(pk__in=listed.values(self.field_path)))
        return choices


class TenantChangeList(ChangeList):
    """A change list that reads its rows, and those that it joins, without long texts."""

    def get_results(self, request: HttpRequest) -> None:
        """Set the rows of the page. Actions read all columns of theirs."""
        joined = self.queryset.query.select_related
        paths = ["", *(f"{name}__" for name in joined)] if isinstance(joined, dict) else [""]
        all_columns, self.queryset = self.queryset, self.queryset.defer(*self._find_texts(paths))
        super().get_results(request)
        self.queryset = all_columns

    def _find_texts(self, paths: list[str]) -> list[str]:
        texts = []
        for path in paths:
            name = path.removesuffix("__")
            model = self.opts.get_field(name).related_model if name else self.model
            assert isinstance(model, type)
            fields = model._meta.concrete_fields
            texts += [f"{path}{field.name}" for field in fields if isinstance(field, TextField)]
        return texts
