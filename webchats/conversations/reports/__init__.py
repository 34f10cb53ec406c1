"""Reports: the figures of an organization's conversations in a period.

``load_report`` returns all figures, ``load_summary`` those without bars, and
``find_conversations`` the conversations of one of them.
``docs/reports.md`` defines the figures.
"""

from webchats.conversations.reports.drill_down import find_conversations
from webchats.conversations.reports.figures import Report, Summary
from webchats.conversations.reports.filters import ReportFilter
from webchats.conversations.reports.loading import load_report, load_summary
from webchats.conversations.reports.periods import Period

__all__ = [
    "Period",
    "Report",
    "ReportFilter",
    "Summary",
    "find_conversations",
    "load_report",
    "load_summary",
]
