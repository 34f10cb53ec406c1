"""The ratings of a report."""

from collections import Counter
from typing import Final

from webchats.conversations.models.flags import SATISFIED
from webchats.conversations.models.rating import SCORES
from webchats.conversations.reports.counts import Counts, divide
from webchats.conversations.reports.figures import RatingFigures, RatingGroup

#: A mean of fewer ratings is meaningless.
MIN_FOR_MEAN: Final = 10


def summarize_ratings(counts: Counts) -> RatingFigures:
    """Return the figures of ratings, for all conversations and by author of the answers."""
    everything, ai_only, with_rep = Counter[int](), Counter[int](), Counter[int]()
    for (score, is_ai_only, is_with_rep), count in counts.ratings.items():
        everything[score] += count
        if is_with_rep:
            with_rep[score] += count
        elif is_ai_only:
            ai_only[score] += count
    return RatingFigures(
        surveyed=counts.by_key["surveyed"],
        rated=counts.by_key["rated"],
        response_rate=divide(counts.by_key["rated"], counts.by_key["surveyed"]),
        all=_group("rating", everything),
        ai_only=_group("rating_ai_only", ai_only),
        with_rep=_group("rating_with_rep", with_rep),
    )


def _group(key: str, scores: Counter[int]) -> RatingGroup:
    count = scores.total()
    total = sum(score * number for score, number in scores.items())
    return RatingGroup(
        key=key,
        distribution={score: scores[score] for score in SCORES},
        count=count,
        satisfied=divide(sum(scores[score] for score in SCORES if score >= SATISFIED), count),
        mean=total / count if count >= MIN_FOR_MEAN else None,
    )
