"""Models: organizations, users, API keys, prompts and pipelines."""

from organizations.models.api_key import ApiKey
from organizations.models.known_address import KnownAddress
from organizations.models.organization import Organization
from organizations.models.pipeline import MAX_STAGES, Pipeline, Stage
from organizations.models.prompt import Prompt
from organizations.models.user import User

__all__ = [
    "MAX_STAGES",
    "ApiKey",
    "KnownAddress",
    "Organization",
    "Pipeline",
    "Prompt",
    "Stage",
    "User",
]
