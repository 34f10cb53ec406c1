"""The URLconf. ``HealthMiddleware`` responds to /healthz and /readyz."""

from django.urls import include, path
from django.views.generic import RedirectView

from organizations.admin.site import site
from webchat_project.error_pages import server_error
from webchat_project.observability.views import metrics
from webchats.demo import sample_site
from webchats.icons.views import icon_file

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    # Before the admin site, which answers every other path below /admin/.
    path("admin/inbox/", include("webchats.conversations.inbox.urls")),
    path("admin/reports/", include("webchats.conversations.reports.pages.urls")),
    path("admin/contacts/board/", include("webchats.conversations.board.urls")),
    path("admin/playground/", include("webchats.conversations.admin.playground")),
    path("admin/privacy/", include("webchats.conversations.privacy.pages")),
    path("admin/", site.urls),
    path("api/", include("webchat_project.api_urls")),
    path("icons/<path:key>", icon_file, name="icon-file"),
    path("", include("webchats.widget.urls")),
    path("", include("webchats.conversations.visitor.urls")),
    path("metrics", metrics, name="metrics"),
    path("demo", sample_site, name="sample-site"),
]

handler500 = server_error
