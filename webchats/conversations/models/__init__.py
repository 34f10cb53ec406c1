"""The models of conversations, with the replies of the AI and the knowledge they are made from."""

from organizations.auth.roles import AccessRole, Operation, register_grants
from webchats.conversations.models.canned_reply import CannedReply
from webchats.conversations.models.contact import Contact
from webchats.conversations.models.contact_merge import ContactMerge
from webchats.conversations.models.conversation import Conversation
from webchats.conversations.models.conversation_queries import ConversationQuerySet
from webchats.conversations.models.draft import Draft, RejectionReason
from webchats.conversations.models.erasure import Erasure, ErasureState
from webchats.conversations.models.facts import RetainedConversation
from webchats.conversations.models.knowledge import KnowledgeEntry
from webchats.conversations.models.message import Author, Message, MessageKind
from webchats.conversations.models.note import Note
from webchats.conversations.models.push_subscription import PushSubscription
from webchats.conversations.models.reply import Reply
from webchats.conversations.models.saved_view import SavedView
from webchats.conversations.models.stage_move import StageMove
from webchats.conversations.models.unsent_text import UnsentText
from webchats.conversations.states import DraftState, ReplyState

__all__ = [
    "Author",
    "CannedReply",
    "Contact",
    "ContactMerge",
    "Conversation",
    "ConversationQuerySet",
    "Draft",
    "DraftState",
    "Erasure",
    "ErasureState",
    "KnowledgeEntry",
    "Message",
    "MessageKind",
    "Note",
    "PushSubscription",
    "RejectionReason",
    "Reply",
    "ReplyState",
    "RetainedConversation",
    "SavedView",
    "StageMove",
    "UnsentText",
]

# Every member answers visitors and moves contacts. Visitors create the rows; no role deletes them.
# Who may add contacts, by hand or by an import, may also export them.
register_grants(Contact, Operation.VIEW, Operation.CHANGE, heads=[Operation.ADD])
register_grants(StageMove, Operation.VIEW)
# Who may change contacts may merge them, and undo that.
register_grants(ContactMerge, Operation.VIEW, Operation.CHANGE)
register_grants(Conversation, Operation.VIEW, Operation.CHANGE)
register_grants(Message, Operation.VIEW, Operation.ADD)
register_grants(Note, Operation.VIEW, Operation.ADD)
register_grants(Reply, Operation.VIEW)
register_grants(Draft, Operation.VIEW, Operation.CHANGE)
# The permission to read these includes the reports.
register_grants(RetainedConversation, heads=[Operation.VIEW])
# Administrators request them. No role changes or deletes them.
register_grants(Erasure, Operation.VIEW, Operation.ADD, roles=[AccessRole.ADMIN])
# Those of others by some roles only: see ``SavedView.can_be_changed_by``.
register_grants(SavedView, *Operation)
# Each member's own devices only.
register_grants(PushSubscription, Operation.VIEW, Operation.ADD, Operation.DELETE)
