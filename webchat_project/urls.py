"""The URLconf. ``HealthMiddleware`` responds to /healthz and /readyz."""

from django.urls import include, path

from organizations.admin.site import site
from webchat_project.observability.views import metrics
from webchats.icons.views import icon_file

urlpatterns = [
    path("admin/", site.urls),
    path("api/", include("webchat_project.api_urls")),
    path("icons/<path:key>", icon_file, name="icon-file"),
    path("", include("webchats.widget.urls")),
    path("metrics", metrics, name="metrics"),
]
