"""The kernel's rows."""

from organizations.models.answers import MAX_STAGES, Pipeline, Prompt, Stage
from organizations.models.people import ApiKey, Organization, User

__all__ = ["MAX_STAGES", "ApiKey", "Organization", "Pipeline", "Prompt", "Stage", "User"]
