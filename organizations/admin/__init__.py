"""The admin site and its pages of the models of ``organizations``."""

from organizations.admin import api_keys, pipelines, prompts, users

__all__ = ["api_keys", "pipelines", "prompts", "users"]
