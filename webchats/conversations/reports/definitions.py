"""How each figure is counted, as the page shows it. ``docs/reports.md`` has the same texts."""

from collections.abc import Mapping
from typing import Final

DEFINITIONS: Final[Mapping[str, str]] = {
    "conversations": (
        "Conversations whose first visitor message is in the period, in the time zone of the "
        "organization."
    ),
    "first_reply": (
        "From the first visitor message to the first automatic answer or message of a "
        "representative. Half of the conversations take the median or less. Conversations without "
        "an answer are not included."
    ),
    "waiting": (
        "From a visitor message that nobody has answered to the next answer. The mean is that of "
        "all waits that have ended."
    ),
    "resolution": (
        "From the first visitor message to the last closing. A conversation that was reopened "
        "counts once. Open conversations are not resolved yet."
    ),
    "ai_resolution": (
        "Confirmed: the conversation is closed, all answers were automatic, and the visitor rated "
        "it 4 or 5. Assumed: all answers were automatic, nobody called a person, and there was no "
        "message for 24 hours. Both are shares of the conversations with automatic answers: of an "
        "AI model or of the built-in search. A conversation can be both."
    ),
    "hand_over": (
        "Conversations in which the visitor asked for a person, no automatic answer was possible, "
        "or a draft was rejected, as a share of those with automatic answers: of all that were "
        "assigned to an AI model or to the built-in search, whether it answered or not."
    ),
    "drafts": (
        "Drafts sent as they were / (sent as they were + edited + rejected). The size of the edits "
        "is changed words / words of the edited drafts. Superseded drafts are not in the rate."
    ),
    "rating": (
        "The share of ratings of 4 or 5. A mean is shown from 10 ratings on. The response "
        "rate is ratings / conversations whose visitor was asked. Automatic answers only: "
        "conversations in which no representative wrote."
    ),
    "days": "Conversations by the day of the first visitor message.",
    "hours": "Conversations by the weekday and the hour of the first visitor message.",
    "webchats": "Conversations by the webchat in which the visitor wrote.",
    "reps": "Conversations by the representative who wrote last. Approving a draft does not count.",
    "prompts": "Conversations by the prompt, and its version, of the first automatic answer.",
    "usage": (
        "Calls of AI models in the period, with their tokens and cost, by the version of the "
        "prompt. Tokens that a provider did not report are estimated. The filters of webchat and "
        "representative do not apply."
    ),
}
