"""URLs of the admin site."""

from django.db import models
from django.urls import reverse


def list_url(model: type[models.Model]) -> str:
    """Return the URL of the change list of a model. The URLs of its rows start with it."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
