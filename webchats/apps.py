"""The app ``webchats``."""

from django.apps import AppConfig
from django.core.checks import register

from webchats.checks import check_icon_storage


class WebchatsConfig(AppConfig):
    """Registers the system checks."""

    name = "webchats"

    def ready(self) -> None:
        """Called by Django once all models are there."""
        register(check_icon_storage)
