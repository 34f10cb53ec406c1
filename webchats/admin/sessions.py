"""The page that ends the sessions of a webchat's visitors."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_http_methods

from organizations.tenancy.admin import TenantAdmin
from webchats.models import Webchat
from webchats.services import end_sessions

ENDED = "All sessions are ended. The next message of a visitor starts a new conversation."


class SessionsMixin(TenantAdmin[Webchat]):
    """The button "End all sessions", for the admin of webchats to inherit."""

    def get_urls(self) -> list[URLPattern]:
        """Add the URL of the page that asks for confirmation."""
        view = require_http_methods(["GET", "POST"])(self.end_sessions_view)
        return [
            path(
                "<path:object_id>/end-sessions/",
                self.admin_site.admin_view(view),
                name="webchats_webchat_end_sessions",
            ),
            *super().get_urls(),
        ]

    @transaction.atomic
    def end_sessions_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for confirmation. A POST ends the sessions, and returns to the form."""
        webchat = self.get_object(request, object_id)
        if webchat is None:
            raise Http404
        if not self.has_change_permission(request, webchat):
            raise PermissionDenied
        if request.method == "POST":
            end_sessions(webchat=webchat)
            self.message_user(request, ENDED, messages.SUCCESS)
            return redirect(reverse("admin:webchats_webchat_change", args=[webchat.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": "End all sessions",
            "opts": self.opts,
            "object": webchat,
        }
        return TemplateResponse(request, "admin/webchats/webchat/end_sessions.html", context)
