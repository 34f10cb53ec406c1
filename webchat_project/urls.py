"""The doors of the service."""

from django.contrib import admin
from django.urls import include, path

from webchat_project import health
from webchats.icon_views import icon_file

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("webchat_project.api.router")),
    path("icons/<path:key>", icon_file, name="icon-file"),
    path("", include("webchats.widget.urls")),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
]
