"""The actions on conversations and contacts. Each is one transaction that locks the row.

The lock orders the messages of a conversation, so that ``sequence`` has no gap, and lets each
action see the result of the one before it.
"""

from webchats.conversations.services.contacts import move
from webchats.conversations.services.drafts import approve_draft, edit_draft, reject_draft
from webchats.conversations.services.handlers import (
    ask_for_person,
    assign,
    give_back,
    hand_over,
    take_over,
)
from webchats.conversations.services.lifetime import close, configure, reopen
from webchats.conversations.services.merges import merge_contacts, undo_merge
from webchats.conversations.services.messages import (
    Sent,
    mark_read,
    send_rep_message,
    send_visitor_message,
)
from webchats.conversations.services.notes import add_note
from webchats.conversations.services.ratings import rate
from webchats.conversations.services.unsent_texts import save_unsent_text

__all__ = [
    "Sent",
    "add_note",
    "approve_draft",
    "ask_for_person",
    "assign",
    "close",
    "configure",
    "edit_draft",
    "give_back",
    "hand_over",
    "mark_read",
    "merge_contacts",
    "move",
    "rate",
    "reject_draft",
    "reopen",
    "save_unsent_text",
    "send_rep_message",
    "send_visitor_message",
    "take_over",
    "undo_merge",
]
