"""Error pages for browsers. The REST API has errors of its own."""

from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client
from django.urls import path
from pytest_django import Settings

from organizations.models import User
from tests.support.clients import log_in
from webchat_project import urls
from webchat_project.middleware import ERROR_CSP


def fail(request: HttpRequest) -> Any:
    """Raise an exception that no code expects."""
    raise RuntimeError("a secret detail")


#: This module serves as a URLconf with a view that fails.
urlpatterns = [*urls.urlpatterns, path("fail", fail)]
handler500 = urls.handler500


def content_of(response: Any, status: int) -> str:
    """Return the page, which has the status and loads the site's style sheet."""
    assert response.status_code == status
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    content: str = response.content.decode()
    assert '<link rel="stylesheet" href="/static/organizations/admin_site.css">' in content
    assert "style-src 'self'" in response.headers["Content-Security-Policy"]
    return content


def test_an_unknown_path_has_a_page() -> None:
    response = Client().get("/nothing")
    assert "<h1>Page not found</h1>" in content_of(response, 404)
    assert response.headers["Content-Security-Policy"] == ERROR_CSP
    assert not response.cookies


def test_the_demo_has_the_page_of_an_unknown_path(settings: Settings) -> None:
    settings.DEBUG = True
    page = Client().get("/nothing").content.decode()
    assert "<h1>Page not found</h1>" in page
    assert "URLconf" not in page


@pytest.mark.django_db
def test_an_unknown_page_of_the_admin_site_has_a_page(admin: User) -> None:
    response = log_in(admin).get("/admin/nothing/")
    assert "<h1>Page not found</h1>" in content_of(response, 404)


@pytest.mark.django_db
def test_a_page_that_the_role_does_not_allow_has_a_page(rep: User) -> None:
    response = log_in(rep).get("/admin/webchats/webchat/add/")
    assert "<h1>No access to this page</h1>" in content_of(response, 403)


@pytest.mark.parametrize(
    ("cookie", "heading"), [("t" * 32, "This form is out of date"), ("", "Cookies are needed")]
)
def test_a_form_without_a_csrf_token_has_a_page(
    settings: Settings, cookie: str, heading: str
) -> None:
    client = Client(enforce_csrf_checks=True)
    if cookie:
        client.cookies[settings.CSRF_COOKIE_NAME] = cookie
    response = client.post("/admin/login/")
    assert f"<h1>{heading}</h1>" in content_of(response, 403)


def test_a_host_that_is_not_allowed_has_a_page() -> None:
    response = Client().get("/admin/", HTTP_HOST="evil.example.com")
    assert "<h1>Bad request</h1>" in content_of(response, 400)


@pytest.mark.urls(__name__)
def test_an_unhandled_exception_has_a_page_with_the_request_id(settings: Any) -> None:
    # Neither the database nor the manifest of the static files is available.
    backend = "whitenoise.storage.CompressedManifestStaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}
    response = Client(raise_request_exception=False).get("/fail")
    page = content_of(response, 500)
    assert "<h1>Something went wrong</h1>" in page
    assert f"<code>{response.headers['X-Request-ID']}</code>" in page
    assert "secret" not in page


def test_the_api_has_no_error_pages() -> None:
    assert Client().get("/api/nothing").headers["Content-Type"] == "application/json"
