"""The admin site, and the model admins of ``organizations``."""

from organizations.admin import api_keys, pipelines, prompts, users

__all__ = ["api_keys", "pipelines", "prompts", "users"]
