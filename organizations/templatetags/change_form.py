"""Parts of the admin's change forms: links to sections and to errors, and read-only values."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from django import template
from django.contrib.admin.helpers import (
    AdminField,
    AdminForm,
    AdminReadonlyField,
    Fieldset,
    InlineAdminFormSet,
)
from django.db import models
from django.forms import BaseForm, BoundField
from django.forms.utils import ErrorList
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from organizations.fields import ColorField
from organizations.tenancy.conflicts import CONFLICT

register = template.Library()

_SWATCH: Final = (
    '<svg class="dot" viewBox="0 0 12 12" aria-hidden="true">'
    '<circle cx="6" cy="6" r="5.5" fill="{}"/></svg> <code>{}</code>'
)


@dataclass(frozen=True)
class Section:
    """A section of a form, and the number of its errors."""

    id: str
    name: str
    errors: int


@dataclass(frozen=True)
class ErrorLink:
    """The errors of a field. Without a field, ``id`` and ``label`` are empty."""

    id: str
    label: str
    #: The first error, and how many more there are.
    message: str
    #: The number of errors.
    count: int = 1


@register.simple_tag
def sections(form: AdminForm) -> list[Section]:
    """Return the sections that have a name. Their ids are those of ``fieldset.html``."""
    return [
        Section(
            f"fieldset-0-{index}",
            str(name),
            sum(len(field.field.errors) for field in _invalid(fieldset)),
        )
        for index, ((name, _), fieldset) in enumerate(zip(form.fieldsets, form, strict=True))
        if name
    ]


@register.simple_tag
def error_links(form: AdminForm, formsets: Iterable[InlineAdminFormSet]) -> list[ErrorLink]:
    """Return a link for each field with errors, in the order of the page.

    A conflict of versions has a section of its own.
    """
    links = [
        ErrorLink("", "", str(message))
        for error in form.form.non_field_errors().as_data()
        if error.code != CONFLICT
        for message in error.messages
    ]
    for fieldset in form:
        links += (_link(field.field, str(field.field.label)) for field in _invalid(fieldset))
    for inline in formsets:
        formset = inline.formset
        links += (ErrorLink("", "", str(message)) for message in formset.non_form_errors())
        for number, row in enumerate(formset.forms, start=1):
            links += _row_links(row, f"{inline.opts.verbose_name} {number}")
    return links


@register.filter
def error_count(links: Iterable[ErrorLink]) -> int:
    """Return the number of all errors of the links."""
    return sum(link.count for link in links)


def _row_links(row: BaseForm, name: str) -> Iterator[ErrorLink]:
    for message in row.non_field_errors():
        yield ErrorLink("", "", f"{name}: {message}")
    for field in row:
        if field.errors:
            yield _link(field, f"{name}, {field.label}")


def _link(field: BoundField, label: str) -> ErrorLink:
    messages: ErrorList = field.errors
    more = f" (and {len(messages) - 1} more)" if len(messages) > 1 else ""
    return ErrorLink(field.id_for_label, label, f"{messages[0]}{more}", len(messages))


def _invalid(fieldset: Fieldset) -> Iterator[AdminField]:
    for line in fieldset:
        for field in line:
            if isinstance(field, AdminField) and field.field.errors:
                yield field


@register.simple_tag
def readonly_value(field: AdminReadonlyField) -> SafeString | str:
    """Return a read-only value for people: a color with a swatch, a list, Yes or No.

    All others are as Django shows them. A model field may name its empty list: ``empty_label``.
    """
    name, row = field.field["field"], field.form.instance
    column = {column.name: column for column in row._meta.concrete_fields}.get(name)
    value = getattr(row, column.name) if column else None
    if isinstance(column, ColorField):
        return format_html(_SWATCH, value, value)
    if isinstance(column, models.BooleanField):
        return "Yes" if value else "No"
    if isinstance(value, list) and value:
        items = format_html_join("", "<li>{}</li>", ((entry,) for entry in value))
        return format_html('<ul class="plain-list">{}</ul>', items)
    empty_label: str | None = getattr(column, "empty_label", None)
    if not value and empty_label is not None:
        return empty_label
    contents = field.contents()
    # Django shows the empty value for columns only, and "None" for methods.
    return str(field.empty_value_display) if column is None and contents == "None" else contents
