"""The configuration of the app."""

from django.apps import AppConfig

from organizations.deactivation import register_on_deactivation
from organizations.navigation import register_nav_item


class ConversationsConfig(AppConfig):
    """Contacts and their conversations in the widgets of an organization."""

    name = "webchats.conversations"
    label = "conversations"

    def ready(self) -> None:
        """Register the link to the inbox, and what follows from the deactivation of a user."""
        register_nav_item("webchats.conversations.inbox.navigation.get_nav_item")
        register_on_deactivation("webchats.conversations.assignees.release_conversations")
