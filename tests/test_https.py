"""HTTPS and the cookies of the admin site."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings

from organizations.models import User
from tests.support.environment import PRODUCTION, load_settings
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


def test_production_redirects_to_https_with_hsts() -> None:
    with override_settings(
        SECURE_SSL_REDIRECT=True, SECURE_HSTS_SECONDS=settings.SECURE_HSTS_SECONDS or 31_536_000
    ):
        plain, secure = Client().get("/admin/login/"), Client().get("/admin/login/", secure=True)
    assert (plain.status_code, plain.headers["Location"][:8]) == (301, "https://")
    assert secure.headers["Strict-Transport-Security"] == "max-age=31536000"
    production = load_settings(**PRODUCTION)
    assert production["SECURE_SSL_REDIRECT"] is True
    assert production["SECURE_HSTS_SECONDS"] == 31_536_000


def test_api_refuses_plain_http_without_a_redirect(api: Any, admin: User) -> None:
    with override_settings(SECURE_SSL_REDIRECT=True):
        plain, secure = (api(admin).get("/api/webchats", secure=value) for value in (False, True))
        documentation = Client().get("/api/docs")
    assert (plain.status_code, plain.json()["code"]) == (403, "https_required")
    assert secure.status_code == 200
    assert documentation.status_code == 301


def test_production_cookies_are_secure_and_bound_to_the_host() -> None:
    names = ("NAME", "SECURE", "HTTPONLY", "SAMESITE", "DOMAIN", "PATH")
    production = load_settings(**PRODUCTION)
    for kind, name, samesite in (("SESSION", "sessionid", "Lax"), ("CSRF", "csrftoken", "Strict")):
        values = [production[f"{kind}_COOKIE_{part}"] for part in names]
        assert values == [f"__Host-{name}", True, True, samesite, None, "/"]
    assert production["SIGNED_IN_COOKIE_NAME"] == "__Host-signedin"


def test_cookies_are_http_only(admin: User) -> None:
    admin.set_password(PASSWORD)
    admin.save()
    client = Client()
    client.post("/admin/login/", {"username": admin.email, "password": PASSWORD})
    client.get("/admin/password_change/")
    cookies = {
        name: (cookie["httponly"], cookie["samesite"]) for name, cookie in client.cookies.items()
    }
    assert cookies == {
        "sessionid": (True, "Lax"),
        "csrftoken": (True, "Strict"),
        "signedin": (True, "Lax"),
    }


def test_api_ignores_session_cookies(session_client: Client) -> None:
    assert session_client.get("/api/webchats").status_code == 401


def test_admin_form_without_csrf_token_is_refused(admin: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin)
    response = client.post("/admin/webchats/webchat/add/", {"name": "x"})
    assert response.status_code == 403
    assert not Webchat.objects.exists()
