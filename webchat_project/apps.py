"""The project as a Django application: it registers the system checks of the deployment."""

from django.apps import AppConfig
from django.core.checks import Tags, register

from webchat_project import checks


class ProjectConfig(AppConfig):
    """Registers the checks of settings that no single app owns."""

    name = "webchat_project"

    def ready(self) -> None:
        """Register the system checks."""
        register(checks.check_rate_limits, Tags.security)
        register(checks.check_secret_key, Tags.security)
        register(checks.check_numbers, Tags.security)
        register(checks.check_static_files, Tags.staticfiles, deploy=True)
        register(checks.check_shared_cache, Tags.security, deploy=True)
        register(checks.check_proxies, Tags.security, deploy=True)
