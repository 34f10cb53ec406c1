"""The configuration of the app."""

from django.apps import AppConfig
from django.core.checks import Tags, register

from organizations import checks


class OrganizationsConfig(AppConfig):
    """Organizations, users, API keys, prompts and pipelines."""

    name = "organizations"

    def ready(self) -> None:
        """Register the system checks."""
        register(checks.check_tokens, Tags.security)
