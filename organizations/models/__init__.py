"""Models: organizations, users, API keys, prompts, pipelines and AI providers."""

from organizations.models.ai_provider import AiProvider
from organizations.models.ai_usage import AiMonth, AiUsage
from organizations.models.api_key import ApiKey
from organizations.models.job import Job
from organizations.models.known_address import KnownAddress
from organizations.models.organization import Organization
from organizations.models.pipeline import MAX_STAGES, Pipeline, Stage
from organizations.models.prompt import Prompt
from organizations.models.user import User

__all__ = [
    "MAX_STAGES",
    "AiMonth",
    "AiProvider",
    "AiUsage",
    "ApiKey",
    "Job",
    "KnownAddress",
    "Organization",
    "Pipeline",
    "Prompt",
    "Stage",
    "User",
]
