"""The doors of the service; its health is told by ``health.HealthMiddleware``."""

from django.urls import include, path

from organizations.staff_site import site
from webchat_project.observability.views import metrics
from webchats.icon_views import icon_file

urlpatterns = [
    path("admin/", site.urls),
    path("api/", include("webchat_project.api.router")),
    path("icons/<path:key>", icon_file, name="icon-file"),
    path("", include("webchats.widget.urls")),
    path("metrics", metrics, name="metrics"),
]
