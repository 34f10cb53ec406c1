"""The app for logs, metrics and crash reports."""

from django.apps import AppConfig
from django.core.checks import Tags, register

from webchat_project.observability import checks, sentry


class ObservabilityConfig(AppConfig):
    """Registers the system checks and starts crash reports."""

    name = "webchat_project.observability"

    def ready(self) -> None:
        register(checks.check_log_format)
        register(checks.check_metrics_token, Tags.security)
        register(checks.check_metrics_folder, deploy=True)
        register(checks.check_sentry)
        sentry.start()
