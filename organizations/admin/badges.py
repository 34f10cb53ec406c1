"""Badges: short texts on a colored background."""

from typing import Literal, TypeAlias

from django.utils.html import format_html
from django.utils.safestring import SafeString

BadgeKind: TypeAlias = Literal["good", "bad", "warn", "quiet", "accent"]


def badge(text: str, kind: BadgeKind) -> SafeString:
    """Return the HTML of a badge."""
    return format_html('<span class="badge badge-{}">{}</span>', kind, text)
