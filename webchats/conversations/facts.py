"""Writing of facts: columns of a conversation's row, from which the reports are made.

The functions change a conversation that the caller has locked and will save. ``docs/reports.md``
defines the figures.
"""

from datetime import datetime

from organizations.models import User
from webchats.conversations.durations import count_seconds, measure
from webchats.conversations.models import Author, Conversation, Draft, Reply
from webchats.conversations.transitions import Action
from webchats.conversations.word_diff import count_changes


def record_message(
    conversation: Conversation, author: Author, user: User | None, time: datetime
) -> None:
    """Record a message of the visitor, or an answer, which ends the visitor's wait."""
    if author == Author.VISITOR:
        conversation.first_message_at = conversation.first_message_at or time
        conversation.unanswered_since = conversation.unanswered_since or time
        return
    if conversation.first_message_at and conversation.reply_seconds is None:
        conversation.reply_seconds = measure(conversation.first_message_at, time)
    if conversation.unanswered_since is not None:
        _record_wait(conversation, conversation.unanswered_since, time)
    if author == Author.AI:
        conversation.ai_wrote = True
        return
    conversation.rep_wrote = True
    conversation.answered_by = user
    if conversation.handed_over_at and conversation.rep_reply_seconds is None:
        conversation.rep_reply_seconds = measure(conversation.handed_over_at, time)


def _record_wait(conversation: Conversation, start: datetime, end: datetime) -> None:
    conversation.unanswered_since = None
    conversation.wait_count += 1
    conversation.wait_seconds += count_seconds(start, end)
    longest = conversation.longest_wait_seconds or 0
    conversation.longest_wait_seconds = max(longest, measure(start, end))


def record_hand_over(conversation: Conversation, action: Action, time: datetime) -> None:
    """Record that the AI, or the visitor instead of it, calls a person."""
    conversation.handed_over_at = conversation.handed_over_at or time
    if action == Action.ASK_FOR_PERSON:
        conversation.asked_for_person = True


def record_prompt(conversation: Conversation, reply: Reply) -> None:
    """Record the prompt of the first reply that the AI has made."""
    if not conversation.ai_prompt_version:
        conversation.ai_prompt_id = reply.prompt_id
        conversation.ai_prompt_version = reply.prompt_version


def record_sent_draft(conversation: Conversation, draft: Draft, text: str) -> None:
    """Record the approval of a draft, unchanged or edited."""
    if text == draft.text:
        conversation.drafts_sent += 1
        return
    conversation.drafts_edited += 1
    conversation.edited_words += len(draft.text.split())
    conversation.changed_words += count_changes(draft.text, text)


def record_closing(conversation: Conversation, time: datetime) -> None:
    """Record the closing, after which the visitor is asked for a rating if the webchat has it."""
    if conversation.first_message_at:
        conversation.resolution_seconds = measure(conversation.first_message_at, time)
    if conversation.webchat is not None and conversation.webchat.is_survey_enabled:
        conversation.is_surveyed = True


def record_reopening(conversation: Conversation) -> None:
    """Record the reopening: the conversation is not resolved until it is closed again."""
    conversation.resolution_seconds = None
    conversation.reopen_count += 1
