"""What the operator sees of the service: logs, metrics, reports of crashes."""

from django.apps import AppConfig
from django.core.checks import Tags, register

from webchat_project.observability import checks


class ObservabilityConfig(AppConfig):
    """Registers the system checks."""

    name = "webchat_project.observability"

    def ready(self) -> None:
        """Called by Django once all models are there."""
        register(checks.check_log_settings)
        register(checks.check_metrics_token, Tags.security)
        register(checks.check_metrics_folder, deploy=True)
