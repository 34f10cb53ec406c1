"""The staff's site: Django's admin with our rows only, our order, and a limit on signing in."""

import math
from functools import update_wrapper
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.views import APIView


class _SignInAttempt(Request):
    """A posted sign-in form as the API's throttles read it."""

    @property
    def data(self) -> dict[str, str]:
        """The account that is tried, under the API's name."""
        return {"email": self._request.POST.get("username", "")}


class _SignInCounter(APIView):
    """Counts an attempt as ``POST /api/auth/login`` does: by the same classes, numbers and cache
    keys, so that neither door gives an attacker a second budget."""

    authentication_classes = ()
    throttle_scope = "sign_in"

    def wait(self, request: HttpRequest) -> int | None:
        """Count, and return the seconds to wait if it was one attempt too many."""
        try:
            self.check_throttles(_SignInAttempt(request))
        except Throttled as throttled:
            return max(1, math.ceil(getattr(throttled, "wait", None) or 1))
        return None


def _has_nul(values: QueryDict) -> bool:
    return any("\0" in key + "".join(map(str, texts)) for key, texts in values.lists())


class StaffSite(admin.AdminSite):
    """Registers what staff administer. Models that other packages bring stay out of sight."""

    site_header = "Webchats"
    site_title = "Webchats"
    index_title = "Overview"
    site_url = None
    empty_value_display = "–"
    # The navigation is part of our own page frame.
    enable_nav_sidebar = False

    def get_urls(self) -> list[Any]:
        """Django's addresses, less the one that leads from any row to its public page: no row
        has one."""
        return [
            entry for entry in super().get_urls() if getattr(entry, "name", "") != "view_on_site"
        ]

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Django's own gate. A NUL, which no column can hold, goes no further than here: some of
        Django's look-ups would hand it to the database, which answers with an error."""
        inner = super().admin_view(view, cacheable)

        def guarded(request: HttpRequest, *arguments: Any, **options: Any) -> Any:
            if _has_nul(request.GET) or _has_nul(request.POST):
                raise BadRequest("NUL characters are not allowed.")
            return inner(request, *arguments, **options)

        return update_wrapper(guarded, inner)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Django's sign-in, as often as the API's."""
        wait = _SignInCounter().wait(request) if request.method == "POST" else None
        if wait is None:
            return super().login(request, extra_context)
        context = {**self.each_context(request), "title": "Too many sign-in attempts", "wait": wait}
        response = TemplateResponse(request, "admin/rate_limited.html", context, status=429)
        response.headers["Retry-After"] = str(wait)
        return response

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The apps in the order of the settings, each with its models by name."""
        order = [config.label for config in apps.get_app_configs()]
        app_list: list[Any] = super().get_app_list(request, app_label)
        return sorted(app_list, key=lambda app: order.index(app["app_label"]))


site = StaffSite(name="admin")
