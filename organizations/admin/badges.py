"""Badges: short words in a colored pill."""

from django.utils.html import format_html
from django.utils.safestring import SafeString


def badge(text: str, kind: str) -> SafeString:
    """A word in a coloured pill: ``good``, ``bad``, ``warn`` or ``quiet``."""
    return format_html('<span class="badge badge-{}">{}</span>', kind, text)
