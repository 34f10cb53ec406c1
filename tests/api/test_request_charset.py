"""Requests are decoded as UTF-8, whatever charset the Content-Type has."""

from urllib.parse import quote, urlencode

import pytest

from organizations.auth.tokens import AccessToken
from organizations.models import User
from tests.support import factories, wsgi

pytestmark = pytest.mark.django_db

#: Codecs of Python that do not decode text.
UNUSUAL_CHARSETS = ["base64", "hex", "idna", "punycode", "undefined"]


def search(user: User, text: str, charset: str) -> list[str]:
    """Return the names of the webchats that contain the text."""
    response = wsgi.request(
        f"/api/webchats?search={quote(text)}",
        content_type=f"text/plain; charset={charset}",
        authorization=f"Bearer {AccessToken.for_user(user)}",
    )
    assert response.status == "200 OK", response.body
    return [document["name"] for document in response.data["data"]]


def test_charset_of_one_request_does_not_change_the_response_to_another(
    admin: User, other_admin: User
) -> None:
    factories.WebchatFactory.create(organization=admin.organization, name="Café Zoë")
    assert search(other_admin, "café zoë", "latin-1") == []
    assert search(admin, "afé Zoë", "utf-16") == ["Café Zoë"]
    assert search(admin, "café zoë", "utf-8") == ["Café Zoë"]


@pytest.mark.parametrize("charset", UNUSUAL_CHARSETS)
def test_unusual_charset_is_not_a_server_error(admin: User, charset: str) -> None:
    factories.WebchatFactory.create(organization=admin.organization, name="Café")
    assert search(admin, "afé", charset) == ["Café"]


@pytest.mark.parametrize("charset", UNUSUAL_CHARSETS)
def test_unusual_charset_of_the_admin_login_is_not_a_server_error(charset: str) -> None:
    response = wsgi.request(
        "/admin/login/",
        "POST",
        body=urlencode({"username": "nobody@example.com", "password": "é"}).encode(),
        content_type=f"application/x-www-form-urlencoded; charset={charset}",
        cookie=f"csrftoken={'a' * 32}",
    )
    assert response.status == "403 Forbidden"  # The form has no CSRF token.
