"""The kernel as a Django application."""

from django.apps import AppConfig
from django.core.checks import Tags, register

from organizations import checks


class OrganizationsConfig(AppConfig):
    """Organizations, their people and keys, and what a webchat points to."""

    name = "organizations"

    def ready(self) -> None:
        """Register the system checks."""
        register(checks.check_tokens, Tags.security)
