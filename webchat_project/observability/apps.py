"""What the operator sees of the service: logs, metrics, reports of crashes."""

from django.apps import AppConfig
from django.core.checks import Tags, register

from webchat_project.observability import checks
from webchat_project.observability import sentry as crash_reports


class ObservabilityConfig(AppConfig):
    """Registers the system checks and starts the crash reports."""

    name = "webchat_project.observability"

    def ready(self) -> None:
        """Called by Django once all models are there."""
        register(checks.check_log_settings)
        register(checks.check_metrics_token, Tags.security)
        register(checks.check_metrics_folder, deploy=True)
        register(checks.check_crash_reports)
        crash_reports.start()
