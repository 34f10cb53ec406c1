"""Today on the overview: waiting visitors, and the figures of today's conversations."""

from collections.abc import Iterator

from django.db.models import Count
from django.urls import reverse
from django.utils import timezone

from organizations.models import Organization, User
from organizations.overview import Figure, Panel
from organizations.time_zones import get_time_zone
from webchats.conversations.inbox.built_in_views import BuiltInView, format_count
from webchats.conversations.inbox.navigation import count_waiting
from webchats.conversations.models.flags import SATISFIED, has_flag, has_score
from webchats.conversations.models.rating import HIGHEST_SCORE, LOWEST_SCORE
from webchats.conversations.reports.access import may_read_reports
from webchats.conversations.reports.filters import ReportFilter
from webchats.conversations.reports.histograms import load_durations
from webchats.conversations.reports.pages.links import Links, make_day_query
from webchats.conversations.reports.periods import Period
from webchats.conversations.reports.sources import Sources
from webchats.conversations.reports.texts import format_duration, format_share


def get_panel(user: User) -> Panel:
    """Return the panel of the user's organization; an empty one for a superuser.

    The figures are from a few queries with an index each.
    """
    figures = () if user.organization is None else tuple(_get_figures(user, user.organization))
    return Panel(template_name="", figures=figures, content=None, figures_label="Today")


def _get_figures(user: User, organization: Organization) -> Iterator[Figure]:
    waiting, drafts = count_waiting(user)
    inbox = reverse("inbox:list")
    yield Figure(format_count(waiting) or 0, "waiting now", f"{inbox}?{BuiltInView.WAITING}")
    if drafts:
        label = "draft to approve" if drafts == 1 else "drafts to approve"
        yield Figure(format_count(drafts), label, f"{inbox}?{BuiltInView.DRAFTS}")
    if not may_read_reports(user):
        return
    period = Period.last_days(get_time_zone(organization.time_zone), timezone.now(), 1)
    links = Links(make_day_query(period.first))
    sources = Sources(organization, period, ReportFilter())
    counts = sources.add_up(
        conversations=Count("organization_id"),
        with_ai=Count("organization_id", filter=has_flag("with_ai")),
        rated=Count("organization_id", filter=has_score(LOWEST_SCORE, HIGHEST_SCORE)),
        satisfied=Count("organization_id", filter=has_score(SATISFIED, HIGHEST_SCORE)),
    )
    total, rated = counts["conversations"], counts["rated"]
    label = "conversation today" if total == 1 else "conversations today"
    yield Figure(total, label, links.drill_down("conversations"))
    median = format_duration(load_durations(sources, "reply_seconds").median)
    yield Figure(median, "median first reply", links.drill_down("first_reply"))
    satisfied = format_share(counts["satisfied"] / rated if rated else None)
    label = f"rated 4 or 5, of {rated}" if rated else "no ratings today"
    yield Figure(satisfied, label, links.drill_down("rated"))
    yield Figure(counts["with_ai"], "with automatic answers", links.drill_down("with_ai"))
