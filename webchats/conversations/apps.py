"""The configuration of the app."""

from django.apps import AppConfig

from organizations.deactivation import register_on_deactivation
from organizations.jobs.registry import register_job, register_periodic_task
from organizations.navigation import register_nav_item
from organizations.overview import register_panel, register_steps
from webchats.conversations.inbox import NAV_ITEM


class ConversationsConfig(AppConfig):
    """Contacts and their conversations in the widgets of an organization."""

    name = "webchats.conversations"
    label = "conversations"

    def ready(self) -> None:
        """Register the link to the inbox, parts of the overview, jobs and tasks."""
        register_nav_item(NAV_ITEM)
        register_panel("webchats.conversations.admin.overview.get_panel")
        register_steps("webchats.conversations.admin.overview.get_steps", order=15)
        register_on_deactivation("webchats.conversations.assignees.release_conversations")
        register_job("reply", "webchats.conversations.replies.engine.make_reply")
        register_job("playground", "webchats.conversations.playground.run_playground")
        tasks = "webchats.conversations.periodic_tasks"
        register_periodic_task(f"{tasks}.request_lost_replies", interval=10)
        register_periodic_task(f"{tasks}.close_inactive_conversations", interval=3600)
