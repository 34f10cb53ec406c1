"""The configuration of the app."""

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.utils.module_loading import import_string

from organizations import checks
from organizations.jobs.registry import register_job, register_periodic_task
from organizations.overview import register_steps


class OrganizationsConfig(AppConfig):
    """Organizations, users, API keys, prompts, pipelines and AI providers."""

    name = "organizations"

    def ready(self) -> None:
        """Register the system checks, jobs and tasks of workers, and steps of the checklist."""
        register(checks.check_tokens, Tags.security)
        # They need models, which are loaded by now.
        register(import_string("organizations.ai.checks.check_settings"), Tags.security)
        register(import_string("organizations.ai.checks.check_stored_keys"), Tags.database)
        register_job("test_connection", "organizations.ai.connection_job.run_connection_test")
        register_periodic_task("organizations.ai.usage.settle_abandoned", interval=60)
        register_steps("organizations.admin.checklist.get_steps", order=10)
