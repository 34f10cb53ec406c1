"""Reports: the figures of an organization's conversations in a period.

``load_report`` returns all figures, ``load_summary`` those without bars, and
``conversations_behind`` the conversations of one of them.
``docs/reports.md`` defines the figures.
"""

from webchats.conversations.reports.behind import conversations_behind
from webchats.conversations.reports.figures import Report, Summary
from webchats.conversations.reports.filters import ReportFilter
from webchats.conversations.reports.loading import load_report, load_summary
from webchats.conversations.reports.periods import Period

__all__ = [
    "Period",
    "Report",
    "ReportFilter",
    "Summary",
    "conversations_behind",
    "load_report",
    "load_summary",
]
