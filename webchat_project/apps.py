"""The project as a Django app."""

from django.apps import AppConfig
from django.core.checks import Tags, register

from webchat_project import checks


class ProjectConfig(AppConfig):
    """Registers the system checks of settings that belong to no single app."""

    name = "webchat_project"

    def ready(self) -> None:
        register(checks.check_rate_limits, Tags.security)
        register(checks.check_secret_key, Tags.security)
        register(checks.check_numbers, Tags.security)
        register(checks.check_email, Tags.security, deploy=True)
        register(checks.check_static_files, Tags.staticfiles, deploy=True)
        register(checks.check_shared_cache, Tags.security, deploy=True)
        register(checks.check_requests, deploy=True)
        register(checks.check_proxies, Tags.security, deploy=True)
