"""Model admins and forms for rows of organizations."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar, Unpack, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.text import capfirst
from django_stubs_ext import FieldsetSpec

from organizations.fields import ColorField
from organizations.history import get_versions
from organizations.models import Organization, User
from organizations.options import FormData, FormFiles, ModelFormOptions
from organizations.tenancy.change_lists import NamesFilter, TenantChangeList
from organizations.tenancy.concurrency import search_slot
from organizations.tenancy.conflicts import VersionedForm
from organizations.tenancy.deletion import DeletionMixin
from organizations.tenancy.form_pages import FormPageMixin
from organizations.tenancy.models import TenantModel, TenantQuerySet, TenantScoped
from organizations.widgets import ColorInput
from webchat_project.api.object_ids import OBJECT_ID_PATTERN

if TYPE_CHECKING:
    from django.contrib.admin.options import _ListFilterT

_Row = TypeVar("_Row", bound=TenantScoped)
_ListDisplay: TypeAlias = tuple[str | Callable[[_Row], str | bool], ...]


class TenantForm(VersionedForm[_Row], Generic[_Row]):
    """The form of a row with an organization.

    A new row gets the user's organization. A superuser chooses one. It cannot be changed later.
    """

    organization = forms.ModelChoiceField(Organization.objects.all(), empty_label="Choose…")

    def __init__(
        self,
        data: FormData = None,
        files: FormFiles = None,
        **options: Unpack[ModelFormOptions[_Row]],
    ) -> None:
        super().__init__(data, files, **options)
        self.label_suffix = ""
        row, is_new = self.instance, self.instance._state.adding
        if is_new and self.user.organization_id and isinstance(row, TenantModel | User):
            row.organization_id = self.user.organization_id
        if not is_new or not self.user.is_superuser:
            # The field does not exist if the model admin shows it as read-only.
            self.fields.pop("organization", None)

    def clean(self) -> dict[str, object] | None:
        """Set the organization of a new row before the model validates it."""
        values = super().clean()
        organization = self.cleaned_data.get("organization")
        if organization and isinstance(self.instance, TenantModel | User):
            self.instance.organization = organization
        return values


def _choices(model: type[models.Model], request: HttpRequest) -> models.QuerySet[models.Model]:
    rows = model._default_manager.all()
    assert isinstance(rows, TenantQuerySet)
    return rows.for_user(request.user)


class TenantAdmin(FormPageMixin[_Row], DeletionMixin[_Row]):
    """A model admin of the rows that the user may access.

    Lists, forms, deletion, history, actions, autocompletion and URLs of rows all use
    ``get_queryset``. ``formfield_for_foreignkey`` limits the choices of forms. Permissions come
    from ``User.has_perm``.
    """

    formfield_overrides = {ColorField: {"widget": ColorInput}}
    list_per_page = 50
    show_facets = admin.ShowFacets.NEVER
    #: What the rows are for. The empty list shows it.
    purpose = ""
    #: Whether the navigation lists the model after the other ones of its app.
    is_secondary = False

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[_Row]:
        """Return the rows that the user may access."""
        queryset = super().get_queryset(request)
        assert isinstance(queryset, TenantQuerySet)
        return queryset.for_user(request.user)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> _Row | None:
        """Return the user's row, or ``None``. A POST locks it until the end of the transaction."""
        if from_field is None and not re.fullmatch(OBJECT_ID_PATTERN, object_id):
            return None
        if request.method != "POST" or not transaction.get_connection().in_atomic_block:
            return super().get_object(request, object_id, from_field)
        queryset = self.get_queryset(request).select_for_update(of=("self",), no_key=True)
        return queryset.filter(**{from_field or "pk": object_id}).first()

    def formfield_for_foreignkey(
        self,
        db_field: models.ForeignKey[models.Model, models.Model],
        request: HttpRequest,
        **kwargs: object,
    ) -> forms.ModelChoiceField[models.Model] | None:
        """Return a field whose choices are the user's rows."""
        kwargs["queryset"] = _choices(db_field.remote_field.model, request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(
        self,
        db_field: models.ManyToManyField[models.Model, models.Model],
        request: HttpRequest,
        **kwargs: object,
    ) -> forms.ModelMultipleChoiceField[models.Model] | None:
        """Return a field whose choices are the user's rows."""
        kwargs["queryset"] = _choices(db_field.remote_field.model, request)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_form(
        self,
        request: HttpRequest,
        obj: _Row | None = None,
        change: bool = False,
        *,
        fields: Sequence[str] | None = None,
        **kwargs: object,
    ) -> type[forms.ModelForm[_Row]]:
        """Return a form class with the attribute ``user``."""
        names = fields or flatten_fieldsets(self.get_fieldsets(request, obj))
        # Declared by ``TenantForm``: the model field is not editable.
        kwargs["fields"] = [name for name in names if name != "organization"]
        form = super().get_form(request, obj, change=change, **kwargs)
        with_user = type(form.__name__, (form,), {"user": request.user})
        return cast("type[forms.ModelForm[_Row]]", with_user)

    # --- Organization: shown to superusers only ---

    def _shows_organization(self, request: HttpRequest) -> bool:
        return request.user.is_superuser and issubclass(self.model, TenantModel | User)

    def get_fieldsets(self, request: HttpRequest, obj: _Row | None = None) -> FieldsetSpec:
        fieldsets = list(super().get_fieldsets(request, obj))
        if self._shows_organization(request):
            fieldsets.insert(0, ("Organization", {"fields": ("organization",)}))
        return fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: _Row | None = None) -> tuple[str, ...]:
        organization = ("organization",) if obj and self._shows_organization(request) else ()
        return (*super().get_readonly_fields(request, obj), *organization)

    def get_list_display(self, request: HttpRequest) -> _ListDisplay[_Row]:
        organization = ("organization",) if self._shows_organization(request) else ()
        return (*super().get_list_display(request), *organization)

    def get_list_filter(self, request: HttpRequest) -> tuple["_ListFilterT", ...]:
        if not self._shows_organization(request):
            return tuple(super().get_list_filter(request))
        organization = ("organization", NamesFilter)
        return (*super().get_list_filter(request), organization)

    def get_list_select_related(self, request: HttpRequest) -> bool | tuple[str, ...]:
        related = super().get_list_select_related(request)
        organization = ("organization",) if self._shows_organization(request) else ()
        if isinstance(related, tuple | list):
            return (*related, *organization)
        return organization or related

    # --- The change list ---

    def get_action_choices(
        self, request: HttpRequest, default_choices: list[tuple[str, str]] | None = None
    ) -> list[tuple[str, str]]:
        """Return the actions, with a placeholder in place of Django's dashes."""
        return super().get_action_choices(request, [("", "Select an action")])

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """Show the list, with the plural name of the model as its title.

        Raise ``SearchesBusy`` for a search while others run.
        """
        title = capfirst(str(self.opts.verbose_name_plural))
        context = {"title": title, **(extra_context or {})}
        if not request.GET.get(SEARCH_VAR):
            return super().changelist_view(request, context)
        assert isinstance(request.user, User)
        with search_slot(request.user):
            response = super().changelist_view(request, context)
            # Rendering runs the query for the rows.
            return response.render() if isinstance(response, TemplateResponse) else response

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> type[TenantChangeList]:
        return TenantChangeList

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow only the lookups of ``list_filter``.

        Django also allows every column of the row itself: a user could guess a digest from its
        prefix or run a regular expression.
        """
        filters = self.get_list_filter(request)
        names = [entry[0] if isinstance(entry, tuple | list) else entry for entry in filters]
        allowed = [getattr(name, "parameter_name", name) for name in names]
        return super().lookup_allowed(lookup, value, request) and any(
            re.fullmatch(rf"{name}(__id)?(__exact|__isnull)?", lookup) for name in allowed
        )

    # --- History ---

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """Show the versions of a row with ``history``, or else Django's log entries."""
        row = self.get_object(request, unquote(object_id))
        if row is None or not hasattr(row, "history"):
            return super().history_view(request, object_id, extra_context)
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": f"Change history: {row}",
            "versions": get_versions(row),
            "object": row,
            "opts": self.opts,
            "module_name": self.opts.verbose_name_plural,
            "preserved_filters": self.get_preserved_filters(request),
            **(extra_context or {}),
        }
        template = self.object_history_template or "admin/change_history.html"
        return TemplateResponse(request, template, context)
