"""The admin site, and the model admins of ``organizations``."""

from organizations.admin import ai_providers, api_keys, pipelines, prompts, users

__all__ = ["ai_providers", "api_keys", "pipelines", "prompts", "users"]
