"""The WSGI entry point: what a production server runs."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webchat_project.settings")
django.setup(set_prefix=False)

# (What this imports needs the settings.)
from webchat_project.config_memory import RememberingHandler  # noqa: E402

application = RememberingHandler()
