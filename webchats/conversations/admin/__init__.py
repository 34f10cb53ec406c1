"""The admin pages of contacts, erasures, canned replies and knowledge entries."""

from webchats.conversations.admin import canned_replies, contacts, erasures, knowledge

__all__ = ["canned_replies", "contacts", "erasures", "knowledge"]
