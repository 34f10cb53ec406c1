"""The webchats on the overview: figures, warnings, recent changes, and steps of the checklist."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Q
from django.urls import reverse

from organizations.auth.roles import Operation, role_allows
from organizations.models import User
from organizations.overview import Figure, Panel, Step
from webchats.admin.list_filters import WarningFilter
from webchats.demo import find_sample_site
from webchats.models import LastLoad, Webchat, WebchatQuerySet
from webchats.warnings import ADVICE, TITLES, Warnings, find_warnings

#: How many webchats are named for each warning, and as recently changed.
_NAMED: Final = 3
_LISTED: Final = 8


@dataclass(frozen=True)
class WarningGroup:
    """The webchats with the same warning."""

    title: str
    advice: str
    count: int
    is_lower_bound: bool
    #: The list of all of them.
    url: str
    #: The most recently changed ones, enabled ones first.
    named: list[Webchat]

    @property
    def unnamed_count(self) -> int:
        """The number of the others."""
        return self.count - len(self.named)


@dataclass(frozen=True)
class WebchatPanel:
    """The content of the panel."""

    total: int
    #: Also of those that other panels list.
    warned: int
    warnings: list[WarningGroup]
    recently_changed: list[Webchat]
    #: The path of the demo's sample site, or empty.
    sample_site: str


def get_panel(user: User) -> Panel:
    """Return the panel of the user's webchats. The number of queries does not depend on theirs."""
    webchats = Webchat.objects.for_user(user)
    found = find_warnings(webchats, user)
    counts = webchats.aggregate(
        total=Count("pk"),
        enabled=Count("pk", filter=Q(is_enabled=True)),
        any=Count("pk", filter=found.condition("any")),
        **{code: Count("pk", filter=condition) for code, condition in found.conditions.items()},
    )
    recently_changed = list(_newest(webchats)[:_LISTED])
    total, enabled, warned = counts["total"], counts["enabled"], counts["any"]
    warned_label = "needs attention" if warned == 1 else "need attention"
    return Panel(
        template_name="admin/webchats/webchat/overview.html",
        figures=(
            Figure(total, "webchat" if total == 1 else "webchats", _list_url()),
            Figure(enabled, "enabled", _list_url(is_enabled__exact=1)),
            Figure(
                warned,
                warned_label,
                _list_url(**{WarningFilter.parameter_name: "any"}),
                is_lower_bound=not found.is_complete,
                is_warning=warned > 0,
            ),
        ),
        content=WebchatPanel(
            total=total,
            warned=warned,
            warnings=list(_group_warnings(webchats, found, counts)) if warned else [],
            recently_changed=recently_changed,
            sample_site=find_sample_site(webchat.pk for webchat in recently_changed),
        ),
    )


def _group_warnings(
    webchats: WebchatQuerySet[Webchat], found: Warnings, counts: dict[str, int]
) -> Iterator[WarningGroup]:
    for code, title in TITLES.items():
        if counts.get(code):
            warned = _newest(webchats.filter(found.condition(code)))
            yield WarningGroup(
                title=title,
                advice=ADVICE[code],
                count=counts[code],
                is_lower_bound=not found.is_complete and code not in _COUNTED_EXACTLY,
                url=_list_url(**{WarningFilter.parameter_name: code}),
                named=list(warned.order_by("-is_enabled", "-updated_at", "-id")[:_NAMED]),
            )


#: The warnings that do not depend on colors.
_COUNTED_EXACTLY: Final = {"inactive_prompt", "every_site"}


def _newest(webchats: WebchatQuerySet[Webchat]) -> WebchatQuerySet[Webchat]:
    return webchats.select_related("organization").order_by("-updated_at", "-id")


def _list_url(**query: str | int) -> str:
    return reverse("admin:webchats_webchat_changelist", query=query or None)


def get_steps(user: User) -> Iterator[Step]:
    """Yield the steps of the checklist after those of ``organizations``."""
    if user.is_superuser or not role_allows(user.role, Operation.ADD, Webchat):
        return
    newest = Webchat.objects.for_user(user).order_by("-created_at", "-id").first()
    loads = LastLoad.objects.for_user(user)
    latest = loads.order_by("-loaded_at", "-id").first()
    yield Step(
        title="Create a webchat",
        help_text="Its colors, texts and allowed domains, with a live preview.",
        is_done=newest is not None,
        url=reverse("admin:webchats_webchat_add"),
    )
    yield Step(
        title="Paste the snippet into your website",
        help_text="Copy it from the webchat's page. This step is done when a page first loads it.",
        is_done=latest is not None,
        url=_snippet_url(newest.pk) if newest else "",
    )
    yield Step(
        title="See the widget on your public website",
        help_text="A load from a local address does not count.",
        is_done=loads.on_public_hosts().exists(),
        # A load from a local address shows which webchat is being installed.
        url=_snippet_url(latest.webchat_id if latest else newest.pk) if newest else "",
    )


def _snippet_url(pk: str) -> str:
    return f"{reverse('admin:webchats_webchat_change', args=[pk])}#facts"
