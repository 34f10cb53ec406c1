"""The WSGI application, for production servers."""

import gc
import os
from importlib import import_module

import django
from django.conf import settings

from webchat_project.handlers import TolerantWSGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webchat_project.settings")
django.setup(set_prefix=False)

from webchats.widget.response_cache import WidgetConfigCache  # noqa: E402 - reads the settings

application = WidgetConfigCache(TolerantWSGIHandler())

# What is loaded now stays as long as the process. Full garbage collections, which stop all threads,
# leave it out: 0.15 s each before, and 1.04 times the CPU time of creating a webchat.
import_module(settings.ROOT_URLCONF)
gc.collect()
gc.freeze()
