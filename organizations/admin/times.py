"""Times in the columns of lists. The heads of the columns name the time zone."""

from datetime import datetime

from django.contrib import admin
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from organizations.tenancy.models import TenantScoped


def time_tag(moment: datetime) -> SafeString:
    """Return a ``<time>`` element with content such as ``26 Nov 2026, 19:55``."""
    html = '<time datetime="{}">{}</time>'
    return format_html(html, moment.isoformat(), date_format(moment, "SHORT_DATETIME_FORMAT"))


@admin.display(description="updated (UTC)", ordering="updated_at")
def updated_at(row: TenantScoped) -> SafeString:
    """Return a column with the time of the last write of a row."""
    return time_tag(row.updated_at)
