"""The admin pages of contacts, canned replies and knowledge entries."""

from webchats.conversations.admin import canned_replies, contacts, knowledge

__all__ = ["canned_replies", "contacts", "knowledge"]
