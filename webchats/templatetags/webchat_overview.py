"""The webchats on the first page of the admin site."""

from dataclasses import dataclass
from typing import Final

from django import template
from django.template import Context

from webchats.models import Webchat
from webchats.warnings import get_warnings

register = template.Library()

#: How many webchats are checked for warnings, and how many are listed.
_CHECKED: Final = 300
_LISTED: Final = 8


@dataclass(frozen=True)
class Overview:
    """The user's webchats in figures, and those that need attention."""

    total: int
    enabled: int
    #: How many webchats were checked, those that changed last.
    checked: int
    #: Webchats with their warnings, enabled ones first.
    warnings: list[tuple[Webchat, list[str]]]
    recently_changed: list[Webchat]

    @property
    def is_incomplete(self) -> bool:
        """Whether some webchats were not checked."""
        return self.checked < self.total


@register.simple_tag(takes_context=True)
def webchat_overview(context: Context) -> Overview:
    """Return the overview of the user's webchats, with three queries."""
    webchats = Webchat.objects.for_user(context["user"])
    newest = webchats.select_related("prompt").order_by("-updated_at", "-id")[:_CHECKED]
    checked = list(newest)
    warnings = [(webchat, found) for webchat in checked if (found := get_warnings(webchat))]
    return Overview(
        total=webchats.count(),
        enabled=webchats.enabled().count(),
        checked=len(checked),
        warnings=sorted(warnings, key=lambda pair: not pair[0].is_enabled),
        recently_changed=checked[:_LISTED],
    )
