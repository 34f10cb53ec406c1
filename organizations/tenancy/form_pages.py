"""The pages of forms in the admin site."""

from typing import Any, Generic, TypeVar

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse

_Row = TypeVar("_Row", bound=models.Model)


class FormPageMixin(admin.ModelAdmin[_Row], Generic[_Row]):
    """A model admin whose ``get_form_context`` adds to the page of a form."""

    def get_form_context(
        self, request: HttpRequest, row: _Row | None, *, has_errors: bool
    ) -> dict[str, object]:
        """Return variables for the template. ``row`` is ``None`` on the page of a new row.

        After errors, the form has assigned invalid values to the row.
        """
        return {}

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: _Row | None = None,
    ) -> HttpResponse:
        context |= self.get_form_context(request, obj, has_errors=bool(context["errors"]))
        return super().render_change_form(request, context, add, change, form_url, obj)
