"""Sizes of files on the admin's pages."""

from django import template
from django.template.defaultfilters import filesizeformat

register = template.Library()


@register.filter
def file_size(size: int) -> str:
    """Return a text such as ``11 MB`` or ``2.9 KB``, without a decimal of zero."""
    return filesizeformat(size).replace(".0", "")
