"""The visitor's answer to the survey."""

from django.db import transaction
from django.utils import timezone

from webchats.conversations.appending import append_event
from webchats.conversations.cards import mask_card_numbers
from webchats.conversations.errors import ConversationNotClosed, RatingFinal, SurveyDisabled
from webchats.conversations.locking import lock, save
from webchats.conversations.models import Conversation
from webchats.conversations.transitions import State


@transaction.atomic
def rate(*, conversation: Conversation, score: int, comment: str = "") -> Conversation:
    """Store the visitor's rating of a closed conversation. A later one replaces it.

    The arguments must have passed validation. Raise ``SurveyDisabled`` if the webchat has no
    survey, ``ConversationNotClosed`` if the conversation is open, and ``RatingFinal`` from 14 days
    after the first rating on.
    """
    locked = lock(conversation)
    now = timezone.now()
    if locked.webchat is None or not locked.webchat.is_survey_enabled:
        raise SurveyDisabled
    if locked.state != State.CLOSED:
        raise ConversationNotClosed
    rating = locked.rating
    if rating is not None and now >= rating.changeable_until:
        raise RatingFinal
    if locked.organization.mask_card_numbers:
        comment = mask_card_numbers(comment)
    if rating is not None and (rating.score, rating.comment) == (score, comment):
        return locked
    locked.rating_score, locked.rating_comment = score, comment
    if rating is None:
        locked.rated_at = now
        # Also where the survey was enabled after the closing.
        locked.is_surveyed = True
        append_event(locked, "rated")
    save(locked)
    return locked
