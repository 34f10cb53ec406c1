"""The configuration of the app."""

from django.apps import AppConfig
from django.core.checks import register

from webchats.checks import check_icon_storage, check_widget_config_cache


class WebchatsConfig(AppConfig):
    """Registers the system checks."""

    name = "webchats"

    def ready(self) -> None:
        register(check_icon_storage)
        register(check_widget_config_cache)
