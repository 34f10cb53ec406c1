"""What the first page of the staff's site says about the user's webchats."""

from dataclasses import dataclass, field
from typing import Any

from django import template
from django.template import Context

from webchats.models import Webchat
from webchats.warnings import concerns

register = template.Library()

#: How many webchats are looked at, and how many are shown as changed last.
_READ, _LATEST = 300, 8


@dataclass
class Overview:
    """Counts, and what is worth a look."""

    total: int
    enabled: int
    read: int = 0
    doubtful: list[tuple[Webchat, list[str]]] = field(default_factory=list)
    latest: list[Webchat] = field(default_factory=list)

    @property
    def unread(self) -> int:
        """How many were not looked at."""
        return self.total - self.read


@register.simple_tag(takes_context=True)
def webchat_overview(context: Context) -> Overview:
    """The user's webchats, with what is probably not meant. Three queries, however many."""
    rows: Any = Webchat.objects.for_user(context["user"])
    overview = Overview(total=rows.count(), enabled=rows.enabled().count())
    newest = list(rows.select_related("prompt").order_by("-updated_at", "-id")[:_READ])
    overview.read, overview.latest = len(newest), newest[:_LATEST]
    doubtful = [(row, said) for row in newest if (said := concerns(row))]
    # What visitors can meet comes first.
    overview.doubtful = sorted(doubtful, key=lambda pair: not pair[0].is_enabled)
    return overview
