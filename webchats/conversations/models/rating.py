"""The visitor's answer to the survey, which is part of the conversation's row."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from organizations import constraints

LOWEST_SCORE: Final = 1
HIGHEST_SCORE: Final = 5
SCORES: Final = range(LOWEST_SCORE, HIGHEST_SCORE + 1)
SCORE_VALIDATORS: Final = (MinValueValidator(LOWEST_SCORE), MaxValueValidator(HIGHEST_SCORE))
COMMENT_LENGTH: Final = 2_000
#: The time after the first rating in which the visitor can change it.
CHANGEABLE_FOR: Final = timedelta(days=14)


class Rating(NamedTuple):
    """A visitor's rating of a conversation."""

    #: From 1, the worst, to 5.
    score: int
    #: May be empty. Never HTML.
    comment: str
    #: When the visitor first rated the conversation.
    rated_at: datetime

    @property
    def changeable_until(self) -> datetime:
        """Return the time from which the visitor cannot change it any more."""
        return self.rated_at + CHANGEABLE_FOR


#: The constraints of the columns in the row of a conversation.
CHECKS: Final = (
    constraints.between("rating_score", LOWEST_SCORE, HIGHEST_SCORE),
    constraints.length_between("rating_comment", 0, COMMENT_LENGTH),
    constraints.DatabaseCheckConstraint(
        condition=models.Q(rating_score=None, rated_at=None, rating_comment="")
        | models.Q(rating_score__isnull=False, rated_at__isnull=False),
        name="conversation_rating_complete",
    ),
)
