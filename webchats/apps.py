"""The configuration of the app."""

from django.apps import AppConfig
from django.core.checks import register

from organizations.overview import register_panel, register_steps
from webchats.checks import check_icon_storage, check_widget_config_cache


class WebchatsConfig(AppConfig):
    """Registers the system checks, and the panels of the overview about webchats."""

    name = "webchats"

    def ready(self) -> None:
        register(check_icon_storage)
        register(check_widget_config_cache)
        register_panel("webchats.admin.overview.get_panel")
        register_steps("webchats.admin.overview.get_steps", order=20)
