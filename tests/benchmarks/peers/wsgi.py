"""A Django peer's entry point; ``DJANGO_SETTINGS_MODULE`` says whose."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
