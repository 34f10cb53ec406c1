"""The WSGI entry point: what a production server runs."""

import os

import django

from webchat_project.requests import TolerantWSGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webchat_project.settings")
django.setup(set_prefix=False)
application = TolerantWSGIHandler()
