"""The ASGI application: streams under ``/live/``, and everything else by Django.

The process ``live`` runs it. Beside streams it serves health checks and metrics.
"""

import gc
import os
from importlib import import_module

import django
from django.conf import settings

from webchat_project.handlers import TolerantASGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webchat_project.settings")
django.setup(set_prefix=False)

from webchat_project.live import PREFIX, make_live_application  # noqa: E402 - needs the apps
from webchats.conversations.live.requests import Receive, Scope, Send  # noqa: E402

_django = TolerantASGIHandler()
_live, _process = make_live_application()

# As in ``wsgi``: a full garbage collection stops all streams.
import_module(settings.ROOT_URLCONF)
gc.collect()
gc.freeze()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a request, or the lifespan of the process."""
    if scope["type"] == "lifespan":
        await _process.lifespan(receive, send)
    elif scope["path"].startswith(PREFIX):
        await _live(scope, receive, send)
    else:
        await _django(scope, receive, send)
