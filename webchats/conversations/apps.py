"""The configuration of the app."""

from django.apps import AppConfig

from organizations.navigation import register_nav_item


class ConversationsConfig(AppConfig):
    """Contacts and their conversations in the widgets of an organization."""

    name = "webchats.conversations"
    label = "conversations"

    def ready(self) -> None:
        """Register the link to the inbox."""
        register_nav_item("webchats.conversations.inbox.navigation.get_nav_item")
