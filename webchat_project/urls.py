"""The doors of the service."""

from django.contrib import admin
from django.urls import include, path

from webchat_project import health

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("webchat_project.api.router")),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
]
