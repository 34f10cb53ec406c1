"""The admin site: navigation, and throttling of sign-in attempts."""

import math
from collections.abc import Callable
from functools import update_wrapper
from typing import Final, TypedDict, TypeVar, cast

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import BadRequest
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, reverse
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.views import APIView

from organizations.auth.signed_in import forget_sign_in, is_session_ended, remember_sign_in
from organizations.auth.throttling import LoginAttemptView, PasswordFormThrottle
from organizations.models import User
from organizations.navigation import NavItem, get_nav_items
from organizations.overview import get_checklist, get_panels
from organizations.tenancy.concurrency import search_slot
from organizations.tenancy.deletion import delete_selected

#: The names of the URLs whose forms have a password that is hashed.
_PASSWORD_FORMS: Final = ("password_change", "auth_user_password_change", "organizations_user_add")

_View = TypeVar("_View", bound=Callable[..., HttpResponseBase])


class _ModelEntry(TypedDict):
    """A model in the navigation, with the keys of Django that are used here."""

    model: type[Model]


class _AppEntry(TypedDict):
    """An app in the navigation, with the keys of Django that are used here."""

    app_label: str
    models: list[_ModelEntry]


class LoginForm(AdminAuthenticationForm):
    """Django's form, without its wrong hint that the e-mail address is case-sensitive."""

    error_messages = {
        **AdminAuthenticationForm.error_messages,
        "invalid_login": "Wrong e-mail address or password, or the user is deactivated.",
    }


class _SignInRequest(Request):
    """A sign-in request whose data has the names that the API's throttles read."""

    @property
    def data(self) -> dict[str, str]:
        """Return the submitted e-mail address as ``email``."""
        return {"email": self._request.POST.get("username", "")}


class _LoginThrottleView(LoginAttemptView):
    """The throttles of ``POST /api/auth/login``, applied to the sign-in form.

    Both share rates and cache keys, so their attempts are counted together.
    """

    def seconds_to_wait(self, request: HttpRequest) -> int | None:
        """Count the attempt. Return ``None`` if it is allowed, else when to try again."""
        try:
            self.check_throttles(_SignInRequest(request))
        except Throttled as throttled:
            return max(1, math.ceil(getattr(throttled, "wait", None) or 1))
        return None


def _seconds_until_password_form(request: HttpRequest) -> int | None:
    """Count a form with a password. Return ``None`` if it is allowed, else when to try again."""
    match = request.resolver_match
    is_form = match is not None and match.url_name in _PASSWORD_FORMS and request.method == "POST"
    if not is_form or not request.user.is_authenticated:
        return None
    throttle = PasswordFormThrottle()
    counted = Request(request)
    counted.user = request.user
    if throttle.allow_request(counted, APIView()):
        return None
    return max(1, math.ceil(throttle.wait()))


def _contains_nul(values: QueryDict) -> bool:
    return any("\0" in key + "".join(map(str, texts)) for key, texts in values.lists())


class WebchatsAdminSite(admin.AdminSite):
    """The admin site. Models of third-party apps are not registered."""

    site_header = "Webchats"
    site_title = "Webchats"
    index_title = "Overview"
    site_url = None
    empty_value_display = "–"
    login_form = LoginForm
    logout_template = "admin/signed_out.html"
    # ``admin/base_site.html`` has its own navigation.
    enable_nav_sidebar = False

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """Return Django's URLs without ``view_on_site``: no row has a public page."""
        return [
            entry for entry in super().get_urls() if getattr(entry, "name", "") != "view_on_site"
        ]

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """Return choices as Django does, limited like other searches of the organization."""
        user = request.user
        assert isinstance(user, User)
        with search_slot(user):
            return super().autocomplete_view(request)

    def admin_view(self, view: _View, cacheable: bool = False) -> _View:
        """Wrap a view as Django does. Reject NUL characters, and too many forms with a password.

        Some of Django's lookups would send NUL to PostgreSQL, which raises ``DataError``.
        """
        inner = super().admin_view(view, cacheable)

        def wrapper(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            if _contains_nul(request.GET) or _contains_nul(request.POST):
                raise BadRequest("NUL characters are not allowed.")
            if wait := _seconds_until_password_form(request):
                return self._rate_limited(request, "Too many attempts", wait, request.path)
            return inner(request, *args, **kwargs)

        return cast("_View", update_wrapper(wrapper, inner))

    def each_context(self, request: HttpRequest) -> dict[str, object]:
        """Return the variables of every page. ``nav_items`` is called by the layout only."""

        def nav_items() -> list[NavItem]:
            return get_nav_items(request.user) if isinstance(request.user, User) else []

        return {**super().each_context(request), "nav_items": nav_items}

    def login(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """Show or process the sign-in form, with the throttles of the API's login.

        A user who has signed in meanwhile, in another tab, is redirected to the requested page.
        """
        if request.method == "GET" and self.has_permission(request):
            return redirect(LoginView(request=request).get_redirect_url() or "admin:index")
        wait = _LoginThrottleView().seconds_to_wait(request) if request.method == "POST" else None
        if wait is None:
            context = {"title": "Sign in", "is_session_ended": is_session_ended(request)}
            response = super().login(request, {**context, **(extra_context or {})})
            if request.user.is_authenticated:
                remember_sign_in(response)
            return response
        title = "Too many sign-in attempts"
        return self._rate_limited(request, title, wait, reverse("admin:login"))

    def _rate_limited(
        self, request: HttpRequest, title: str, wait: int, retry_url: str
    ) -> TemplateResponse:
        context = {
            **self.each_context(request),
            "title": title,
            "wait": wait,
            "retry_url": retry_url,
        }
        response = TemplateResponse(request, "admin/rate_limited.html", context, status=429)
        response.headers["Retry-After"] = str(wait)
        return response

    def logout(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> TemplateResponse:
        """Sign the user out and confirm it."""
        response = super().logout(request, {"title": "Signed out", **(extra_context or {})})
        forget_sign_in(response)
        return response

    def index(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> TemplateResponse:
        """Show the overview."""
        assert isinstance(request.user, User)
        context = {
            "panels": get_panels(request.user),
            "checklist": get_checklist(request.user),
        }
        return super().index(request, {**context, **(extra_context or {})})

    # The stubs require Django's own type, though any response is allowed.
    def app_index(  # type: ignore[override]
        self, request: HttpRequest, app_label: str, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """Redirect to the overview: the apps have no index pages."""
        return redirect("admin:index")

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[_AppEntry]:
        """Return the apps in the order of ``INSTALLED_APPS``, with their models by name.

        Models whose admin ``is_secondary`` come last.
        """
        order = [config.label for config in apps.get_app_configs()]
        app_list: list[_AppEntry] = super().get_app_list(request, app_label)
        for app in app_list:
            app["models"].sort(key=lambda entry: self._is_secondary(entry["model"]))
        return sorted(app_list, key=lambda app: order.index(app["app_label"]))

    def _is_secondary(self, model: type[Model]) -> bool:
        return bool(getattr(self.get_model_admin(model), "is_secondary", False))


site = WebchatsAdminSite(name="admin")
# In place of Django's action of the same name.
site.add_action(delete_selected)
