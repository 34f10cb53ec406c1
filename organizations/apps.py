"""The kernel as a Django application."""

from django.apps import AppConfig
from django.core.checks import Tags, register

from organizations import checks


class OrganizationsConfig(AppConfig):
    """Organizations, their people and keys, and what a webchat points to."""

    name = "organizations"

    def ready(self) -> None:
        """Register what ``manage.py check`` asks of the settings."""
        register(checks.check_rate_limits, Tags.security)
        register(checks.check_tokens, Tags.security)
        register(checks.check_secret_key, Tags.security)
        register(checks.check_numbers, Tags.security)
        register(checks.check_static_files, Tags.staticfiles, deploy=True)
        register(checks.check_shared_cache, Tags.security, deploy=True)
        register(checks.check_proxies, Tags.security, deploy=True)
