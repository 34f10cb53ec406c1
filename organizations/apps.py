"""The configuration of the app."""

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.utils.module_loading import import_string

from organizations import checks
from organizations.overview import register_steps


class OrganizationsConfig(AppConfig):
    """Organizations, users, API keys, prompts, pipelines and AI providers."""

    name = "organizations"

    def ready(self) -> None:
        """Register the system checks, and steps of the overview's checklist."""
        register(checks.check_tokens, Tags.security)
        # They need models, which are loaded by now.
        register(import_string("organizations.ai.checks.check_settings"), Tags.security)
        register(import_string("organizations.ai.checks.check_stored_keys"), Tags.database)
        register_steps("organizations.admin.checklist.get_steps", order=10)
