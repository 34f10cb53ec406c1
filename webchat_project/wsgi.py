"""The WSGI entry point: what a production server runs."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webchat_project.settings")
application = get_wsgi_application()
