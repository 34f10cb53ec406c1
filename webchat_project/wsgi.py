"""The WSGI application, for production servers."""

import os

import django

from webchat_project.handlers import TolerantWSGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webchat_project.settings")
django.setup(set_prefix=False)

from webchats.widget.response_cache import WidgetConfigCache  # noqa: E402 - reads the settings

application = WidgetConfigCache(TolerantWSGIHandler())
