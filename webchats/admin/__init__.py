"""The admin pages of webchats, their imports, and organizations."""

from webchats.admin import import_records, organizations, webchats

__all__ = ["import_records", "organizations", "webchats"]
