"""The conversations behind a number of a report."""

from dataclasses import dataclass

from django.utils import timezone

from organizations.models import Organization
from webchats.conversations.models import Conversation, ConversationQuerySet
from webchats.conversations.reports.conditions import find_condition
from webchats.conversations.reports.filters import ReportFilter
from webchats.conversations.reports.periods import Period
from webchats.conversations.reports.sources import Sources


@dataclass(frozen=True)
class DrillDown:
    """The conversations of one number: ``rows``, and how many have been deleted since."""

    rows: ConversationQuerySet[Conversation]
    retained: int


def find_conversations(
    organization: Organization, period: Period, report_filter: ReportFilter, key: str
) -> DrillDown:
    """Return the conversations of the number with this key, newest first.

    ``rows.count() + retained`` is the number. Raise ``ValueError`` for an unknown key.
    """
    condition = find_condition(key, period, timezone.now())
    sources = Sources(organization, period, report_filter)
    rows = sources.stored.filter(condition).order_by("-first_message_at", "-id")
    return DrillDown(rows, sources.retained.filter(condition).count())
