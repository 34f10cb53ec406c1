"""Whose row is it? The one place that answers for the staff's site."""

import re
from typing import Any, Generic, TypeVar

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.text import capfirst

from organizations.fields import ColorField
from organizations.history import versions_of
from organizations.models import Organization, User
from organizations.tenancy.models import TenantModel, TenantQuerySet
from organizations.widgets import ColorInput
from webchat_project.api.object_ids import PATTERN

_Row = TypeVar("_Row", bound=models.Model)


class TenantForm(forms.ModelForm[_Row], Generic[_Row]):
    """The form of a row with an organization: the user's own, or, when a superuser makes one, the
    organization that they choose. A row never moves to another."""

    #: Who fills in the form: ``TenantAdmin`` sets it.
    user: User

    organization = forms.ModelChoiceField(Organization.objects.all())

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.label_suffix = ""
        row: Any = self.instance
        if row._state.adding and not self.user.is_superuser:
            row.organization_id = self.user.organization_id
        if not (row._state.adding and self.user.is_superuser):
            # (Where it is shown read-only, Django has taken it away already.)
            self.fields.pop("organization", None)

    def clean(self) -> dict[str, Any] | None:
        """Give a new row its organization, before the model checks the row as a whole."""
        values = super().clean()
        if self.cleaned_data.get("organization"):
            self.instance.organization = self.cleaned_data["organization"]  # type: ignore[attr-defined]
        return values


class TenantAdmin(admin.ModelAdmin[_Row]):
    """A model's pages, over the rows that exist for the user.

    Lists, forms, deletion, history, actions, autocompletion and direct addresses all start from
    ``get_queryset``; what a form offers and accepts comes from ``formfield_for_foreignkey``. What
    may be done to the rows is asked of ``User.has_perm``, which asks the table of roles.
    """

    formfield_overrides = {ColorField: {"widget": ColorInput}}
    list_per_page = 50
    show_facets = admin.ShowFacets.NEVER

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[_Row]:
        """The user's rows."""
        queryset = super().get_queryset(request)
        assert isinstance(queryset, TenantQuerySet), "staff administer tenants' rows only"
        return queryset.for_user(request.user)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> _Row | None:
        """The user's row, locked while a change to it is checked and written."""
        if from_field is None and not re.fullmatch(PATTERN, object_id):
            return None
        if request.method != "POST" or not transaction.get_connection().in_atomic_block:
            return super().get_object(request, object_id, from_field)
        queryset = self.get_queryset(request).select_for_update(of=("self",), no_key=True)
        return queryset.filter(**{from_field or "pk": object_id}).first()

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey[Any, Any], request: HttpRequest, **options: Any
    ) -> Any:
        """A choice among the user's rows. Every other id is answered alike."""
        related = db_field.remote_field.model._default_manager.all()
        assert isinstance(related, TenantQuerySet), "a tenant's row points to tenants' rows only"
        options["queryset"] = related.for_user(request.user)
        return super().formfield_for_foreignkey(db_field, request, **options)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any
    ) -> Any:
        """The form, which knows its user."""
        names = options.get("fields") or flatten_fieldsets(self.get_fieldsets(request, obj))
        # The form declares it: the model's own is not editable.
        options["fields"] = [name for name in names if name != "organization"]
        form: Any = super().get_form(request, obj, change=change, **options)
        return type(form.__name__, (form,), {"user": request.user})

    # --- The organization itself: only superusers, who see several, need to be told ---

    def _shows_organization(self, request: HttpRequest) -> bool:
        return request.user.is_superuser and issubclass(self.model, TenantModel | User)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = list(super().get_fieldsets(request, obj))
        if self._shows_organization(request):
            fieldsets.insert(0, ("Organization", {"fields": ("organization",)}))
        return fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fixed = ("organization",) if obj and self._shows_organization(request) else ()
        return (*super().get_readonly_fields(request, obj), *fixed)

    def get_list_display(self, request: HttpRequest) -> Any:
        more = ("organization",) if self._shows_organization(request) else ()
        return (*super().get_list_display(request), *more)

    def get_list_filter(self, request: HttpRequest) -> Any:
        more: tuple[Any, ...] = ()
        if self._shows_organization(request):
            more = (("organization", admin.RelatedOnlyFieldListFilter),)
        return (*super().get_list_filter(request), *more)

    def get_list_select_related(self, request: HttpRequest) -> Any:
        related = super().get_list_select_related(request)
        more = ("organization",) if self._shows_organization(request) else ()
        return (*related, *more) if isinstance(related, tuple | list) else (more or related)

    def get_action_choices(self, request: HttpRequest, default_choices: Any = ()) -> Any:
        """The list's actions, under a word in place of dashes."""
        return super().get_action_choices(request, [("", "Choose…")])

    # --- What a query may ask ---

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, titled by what is in it."""
        title = capfirst(str(self.opts.verbose_name_plural))
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only what the list's filters ask. Django also lets a query search every column of the
        row itself, and so guess a digest from its beginning, or run a regular expression."""
        filters = self.get_list_filter(request)
        names = [entry[0] if isinstance(entry, tuple | list) else entry for entry in filters]
        asked = [getattr(name, "parameter_name", name) for name in names]
        return super().lookup_allowed(lookup, value, request) and any(
            re.fullmatch(rf"{name}(__id)?(__exact|__isnull)?", lookup) for name in asked
        )

    # --- History ---

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The versions of the row, each with what it changed from what to what."""
        row: Any = self.get_object(request, unquote(object_id))
        if row is None or not hasattr(row, "history"):
            return super().history_view(request, object_id, extra_context)
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": f"Change history: {row}",
            "versions": versions_of(row),
            "object": row,
            "opts": self.opts,
            "module_name": self.opts.verbose_name_plural,
            "preserved_filters": self.get_preserved_filters(request),
        }
        return TemplateResponse(request, "admin/change_history.html", context)
