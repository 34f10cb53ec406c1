"""The configuration of the app."""

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.utils.module_loading import import_string

from organizations.deactivation import register_on_deactivation
from organizations.jobs.registry import register_job, register_periodic_task
from organizations.navigation import register_nav_item
from organizations.overview import register_panel, register_steps
from organizations.retention import register_due_rows
from webchats.conversations.contact_actions import register_contact_action
from webchats.conversations.inbox import NAV_ITEM
from webchats.registered_warnings import register_warning


class ConversationsConfig(AppConfig):
    """Contacts and their conversations in the widgets of an organization."""

    name = "webchats.conversations"
    label = "conversations"

    def ready(self) -> None:
        """Register the link to the inbox, parts of the overview, checks, jobs and tasks."""
        register_nav_item(NAV_ITEM)
        register_nav_item("webchats.conversations.board.access.get_nav_item")
        register_nav_item("webchats.conversations.reports.pages.navigation.get_nav_item")
        # It needs models, which are loaded by now.
        register(import_string("webchats.conversations.checks.check_vapid"), Tags.security)
        overview = "webchats.conversations.admin.overview"
        register_panel(f"{overview}.get_panel")
        register_warning("no_answers", "No automatic answers", f"{overview}.get_condition")
        register_panel("webchats.conversations.reports.pages.today.get_panel", order=-1)
        register_steps(f"{overview}.get_steps", order=15)
        register_contact_action("webchats.conversations.admin.merges.get_merge_action")
        register_on_deactivation("webchats.conversations.assignees.release_conversations")
        register_job("reply", "webchats.conversations.replies.engine.make_reply")
        jobs = "webchats.conversations.notifications.push_jobs"
        register_job("push", f"{jobs}.notify_devices")
        register_job("push_retry", f"{jobs}.retry_device")
        register_job("playground", "webchats.conversations.playground.run_playground")
        notifications = "webchats.conversations.notifications"
        register_job("email", f"{notifications}.email_job.send_report")
        register_periodic_task(f"{notifications}.unattended.report_unattended", interval=30)
        weekly = "webchats.conversations.reports.weekly"
        register_job("weekly_report", f"{weekly}.job.send_weekly_report")
        register_periodic_task(f"{weekly}.due.request_weekly_reports", interval=300)
        privacy = "webchats.conversations.privacy"
        register_contact_action(f"{privacy}.pages.get_export_action")
        register_contact_action(f"{privacy}.pages.get_erase_action")
        register_due_rows(f"{privacy}.retention.describe_due")
        register_job("retention", f"{privacy}.retention_job.run_retention")
        register_periodic_task(f"{privacy}.retention_job.request_retention", interval=86_400)
        register_job("erasure", f"{privacy}.erasure_job.run_erasure")
        register_periodic_task(f"{privacy}.erasure_job.request_lost_erasures", interval=60)
        tasks = "webchats.conversations.periodic_tasks"
        register_periodic_task(f"{tasks}.request_lost_replies", interval=10)
        register_periodic_task(f"{tasks}.close_inactive_conversations", interval=3600)
        register_periodic_task(f"{tasks}.delete_undo_data", interval=3600)
