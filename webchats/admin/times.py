"""Times in the columns of lists."""

from datetime import datetime

from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString


def time_tag(moment: datetime) -> SafeString:
    """Return a ``<time>`` element with content such as ``26 Nov 2026, 19:55 UTC``."""
    html = '<time datetime="{}">{}</time>'
    return format_html(html, moment.isoformat(), date_format(moment, "DATETIME_FORMAT"))
