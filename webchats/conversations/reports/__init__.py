"""Reports: the figures of an organization's conversations in a period.

``load_report`` returns all figures, ``conversations_behind`` the conversations of each of them.
``docs/reports.md`` defines the figures.
"""

from webchats.conversations.reports.behind import conversations_behind
from webchats.conversations.reports.figures import Report
from webchats.conversations.reports.filters import ReportFilter
from webchats.conversations.reports.loading import load_report
from webchats.conversations.reports.periods import Period

__all__ = ["Period", "Report", "ReportFilter", "conversations_behind", "load_report"]
