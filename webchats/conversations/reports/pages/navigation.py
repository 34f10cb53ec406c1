"""The link to the reports in the navigation."""

from django.urls import reverse

from organizations.models import User
from organizations.navigation import NavItem
from webchats.conversations.reports.access import may_read_reports


def get_nav_item(user: User) -> NavItem | None:
    """Return the link; ``None`` for a user who may not read reports."""
    if not may_read_reports(user):
        return None
    return NavItem("reports", "Reports", reverse("reports:report"))
