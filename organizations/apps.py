"""The configuration of the app."""

from django.apps import AppConfig
from django.core.checks import Tags, register

from organizations import checks
from organizations.overview import register_steps


class OrganizationsConfig(AppConfig):
    """Organizations, users, API keys, prompts and pipelines."""

    name = "organizations"

    def ready(self) -> None:
        """Register the system checks, and steps of the overview's checklist."""
        register(checks.check_tokens, Tags.security)
        register_steps("organizations.admin.checklist.get_steps", order=10)
