"""The admin site's pages of webchats, their imports, and organizations."""

from webchats.admin import imports, organizations, webchats

__all__ = ["imports", "organizations", "webchats"]
