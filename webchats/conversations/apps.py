"""The configuration of the app."""

from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    """Contacts and their conversations in the widgets of an organization."""

    name = "webchats.conversations"
    label = "conversations"
