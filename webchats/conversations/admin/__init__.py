"""The admin pages of contacts and knowledge entries."""

from webchats.conversations.admin import contacts, knowledge

__all__ = ["contacts", "knowledge"]
