"""The ASGI application, for servers that need one."""

import os

import django

from webchat_project.handlers import TolerantASGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webchat_project.settings")
django.setup(set_prefix=False)
application = TolerantASGIHandler()
