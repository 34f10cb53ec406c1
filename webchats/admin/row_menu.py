"""The menu of a row in the list of webchats: copy the snippet, duplicate, enable or disable."""

from collections.abc import Callable
from typing import Final, TypeAlias

from django.contrib import admin
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from organizations.admin.redirects import post_or_redirect
from organizations.tenancy.admin import TenantAdmin
from webchats.admin.actions import disable, duplicate, enable
from webchats.admin.preview import snippet
from webchats.models import Webchat

_Action: TypeAlias = "Callable[[admin.ModelAdmin[Webchat], HttpRequest, QuerySet[Webchat]], None]"
#: The actions of the list that the menu offers, with the permission that each requires.
_ACTIONS: Final[dict[str, tuple[_Action, str]]] = {
    "duplicate": (duplicate, "add"),
    "enable": (enable, "change"),
    "disable": (disable, "change"),
}


class RowMenuMixin(TenantAdmin[Webchat]):
    """The last column of the list, for the admin of webchats to inherit.

    Its buttons submit the form of the list to the URL of one row, with the token against CSRF.
    """

    def get_urls(self) -> list[URLPattern]:
        """Add the URLs of the actions on one row."""
        view = self.admin_site.admin_view(
            post_or_redirect(self.row_action_view, "admin:webchats_webchat_changelist")
        )
        return [
            path(f"<path:object_id>/{name}/", view, {"name": name}, f"webchats_webchat_{name}")
            for name in _ACTIONS
        ] + super().get_urls()

    def row_action_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Run an action on one row and return to the list, with its search and filters."""
        webchat = self.get_object(request, object_id)
        if webchat is None:
            raise Http404
        action, permission = _ACTIONS[name]
        if not self._allows(request, permission):
            raise PermissionDenied
        action(self, request, self.get_queryset(request).filter(pk=webchat.pk))
        url = reverse("admin:webchats_webchat_changelist")
        filters = self.get_preserved_filters(request)
        url = add_preserved_filters({"preserved_filters": filters, "opts": self.opts}, url)
        return redirect(url)

    def get_list_display(
        self, request: HttpRequest
    ) -> tuple[str | Callable[[Webchat], str | bool], ...]:
        """Return the columns, with the menu as the last one."""
        query = self.get_preserved_filters(request)
        allowed = {
            name for name, (_, permission) in _ACTIONS.items() if self._allows(request, permission)
        }

        @admin.display(description=format_html('<span class="visually-hidden">{}</span>', "Menu"))
        def row_menu(webchat: Webchat) -> SafeString:
            shown = ("duplicate", "disable" if webchat.is_enabled else "enable")
            urls = {
                name: reverse(f"admin:webchats_webchat_{name}", args=[webchat.pk])
                for name in shown
                if name in allowed
            }
            context = {
                "webchat": webchat,
                "snippet": snippet(request, webchat),
                "actions": [
                    (name.capitalize(), f"{url}?{query}" if query else url)
                    for name, url in urls.items()
                ],
            }
            return render_to_string("admin/webchats/webchat/row_menu.html", context)

        return (*super().get_list_display(request), row_menu)

    def _allows(self, request: HttpRequest, permission: str) -> bool:
        if permission == "add":
            return self.has_add_permission(request)
        return self.has_change_permission(request)
