"""The figures at the top of the report, each with the period before and the direction in words."""

from dataclasses import dataclass
from typing import Final

from webchats.conversations.reports.definitions import DEFINITIONS
from webchats.conversations.reports.figures import Durations, RatingGroup, Summary
from webchats.conversations.reports.pages.comparisons import (
    Change,
    compare,
    compare_durations,
)
from webchats.conversations.reports.pages.links import Links
from webchats.conversations.reports.texts import format_duration, format_number, format_share

#: The fewest conversations with a 90th percentile on the page.
MIN_PERCENTILE: Final = 10


@dataclass(frozen=True)
class Detail:
    """A line below a figure. The number of conversations of a link is ``count``."""

    text: str
    url: str = ""
    count: int | None = None


@dataclass(frozen=True)
class Headline:
    """A figure."""

    key: str
    title: str
    value: str
    change: Change
    details: list[Detail]

    @property
    def definition(self) -> str:
        """How the figure is counted."""
        return DEFINITIONS[self.key]


def make_headlines(now: Summary, before: Summary, links: Links) -> list[Headline]:
    """Return the figures of ``now``, each beside that of ``before``."""
    makers = (
        _conversations,
        _first_reply,
        _waiting,
        _resolution,
        _ai_resolution,
        _hand_over,
        _drafts,
        _rating,
    )
    return [make(now, before, links) for make in makers]


def _percentile(durations: Durations, label: str) -> list[Detail]:
    """Return a line with the 90th percentile, none of so few that it would be the maximum."""
    if durations.count < MIN_PERCENTILE:
        return []
    return [Detail(f"90% {label} {format_duration(durations.percentile_90)}")]


def _conversations(now: Summary, before: Summary, links: Links) -> Headline:
    count = now.conversations
    return Headline(
        "conversations",
        "Conversations",
        format_number(count),
        compare(count, before.conversations, format_number),
        [_link(links, "conversations", count, "All")] if count else [],
    )


def _link(links: Links, key: str, count: int, label: str) -> Detail:
    """Return a line such as ``3 without an answer``; a link unless it is zero."""
    text = f"{format_number(count)} {label}" if label != "All" else "Show all"
    return Detail(text, links.drill_down(key) if count else "", count)


def _first_reply(now: Summary, before: Summary, links: Links) -> Headline:
    figures = now.first_replies
    details = [
        *_percentile(figures.reply, "of the answered within"),
        _link(links, "without_answer", figures.without_answer, "without an answer"),
    ]
    if figures.rep_reply.count:
        median = format_duration(figures.rep_reply.median)
        details.append(Detail(f"{median} from a hand-over to a representative’s reply"))
    if figures.without_rep_reply:
        label = "handed over without a representative’s reply"
        details.append(_link(links, "without_rep_reply", figures.without_rep_reply, label))
    return Headline(
        "first_reply",
        "First reply (median)",
        format_duration(figures.reply.median),
        compare_durations(figures.reply.median, before.first_replies.reply.median),
        details,
    )


def _waiting(now: Summary, before: Summary, links: Links) -> Headline:
    figures = now.waiting
    details = [_link(links, "unanswered", figures.unanswered, "where the visitor wrote last")]
    if figures.wait_count:
        plural = "wait" if figures.wait_count == 1 else "waits"
        details.insert(0, Detail(f"{format_number(figures.wait_count)} {plural}"))
        details[1:1] = _percentile(figures.longest, "of conversations: none longer than")
    return Headline(
        "waiting",
        "Waiting (mean)",
        format_duration(figures.mean),
        compare_durations(figures.mean, before.waiting.mean),
        details,
    )


def _resolution(now: Summary, before: Summary, links: Links) -> Headline:
    figures = now.resolution
    details = [
        _link(links, "resolved", figures.resolved.count, "resolved"),
        _link(links, "unresolved", figures.unresolved, "not resolved yet"),
    ]
    if figures.reopened:
        share = format_share(figures.reopen_rate)
        details.append(_link(links, "reopened", figures.reopened, f"reopened ({share})"))
    return Headline(
        "resolution",
        "Resolution (median)",
        format_duration(figures.resolved.median),
        compare_durations(figures.resolved.median, before.resolution.resolved.median),
        details,
    )


def _ai_resolution(now: Summary, before: Summary, links: Links) -> Headline:
    figures = now.ai
    assumed = f"assumed ({format_share(figures.assumed_rate)})"
    return Headline(
        "ai_resolution",
        "Resolved automatically (confirmed)",
        format_share(figures.confirmed_rate),
        compare(
            figures.confirmed_rate, before.ai.confirmed_rate, format_share, is_more_better=True
        ),
        [
            _link(links, "ai_confirmed", figures.ai_confirmed, "confirmed"),
            _link(links, "ai_assumed", figures.ai_assumed, assumed),
            _link(links, "with_ai", figures.with_ai, "with automatic answers"),
        ],
    )


def _hand_over(now: Summary, before: Summary, links: Links) -> Headline:
    figures = now.ai
    return Headline(
        "hand_over",
        "Handed over to a person",
        format_share(figures.hand_over_rate),
        compare(
            figures.hand_over_rate, before.ai.hand_over_rate, format_share, is_more_better=False
        ),
        [
            _link(links, "handed_over", figures.handed_over, "handed over"),
            _link(links, "asked_for_person", figures.asked_for_person, "asked for a person"),
        ],
    )


def _drafts(now: Summary, before: Summary, links: Links) -> Headline:
    figures = now.drafts
    edited = f"edited ({format_share(figures.edit_size)} of the words)"
    numbers = (
        ("drafts_sent", figures.drafts_sent, "sent as they were"),
        ("drafts_edited", figures.drafts_edited, edited if figures.drafts_edited else "edited"),
        ("drafts_rejected", figures.drafts_rejected, "rejected"),
        ("drafts_superseded", figures.drafts_superseded, "superseded"),
    )
    return Headline(
        "drafts",
        "Drafts accepted",
        format_share(figures.acceptance),
        compare(figures.acceptance, before.drafts.acceptance, format_share, is_more_better=True),
        [
            # The number is that of drafts. A conversation may have several.
            Detail(f"{format_number(count)} {label}", links.drill_down(key) if count else "")
            for key, count, label in numbers
        ],
    )


def _rating(now: Summary, before: Summary, links: Links) -> Headline:
    figures = now.ratings
    rated = _link(links, "rated", figures.rated, "ratings" if figures.rated != 1 else "rating")
    details = [rated]
    if figures.surveyed:
        rate = f"{format_share(figures.response_rate)} of those asked"
        details.append(_link(links, "surveyed", figures.surveyed, f"asked: {rate}"))
    if figures.all.mean is not None:
        details.insert(0, Detail(f"Mean {format_number(figures.all.mean)} of 5"))
    details += [
        Detail(f"{label}: {_describe(group)}")
        for label, group in (
            ("Automatic answers only", figures.ai_only),
            ("With a representative", figures.with_rep),
        )
        if group.count
    ]
    return Headline(
        "rating",
        "Rated 4 or 5",
        format_share(figures.all.satisfied),
        compare(
            figures.all.satisfied, before.ratings.all.satisfied, format_share, is_more_better=True
        ),
        details,
    )


def _describe(group: RatingGroup) -> str:
    return f"{format_share(group.satisfied)} of {format_number(group.count)}"
