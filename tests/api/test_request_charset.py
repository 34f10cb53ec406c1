"""A request is UTF-8, whatever charset it says it is in."""

import json
from io import BytesIO
from typing import Any
from urllib.parse import quote, urlencode
from wsgiref.util import setup_testing_defaults

import pytest

from organizations.auth.tokens import AccessToken
from organizations.models import User
from tests.support import factories
from webchat_project.wsgi import application

# (The server's application closes connections, and with them a test's open transaction.)
pytestmark = pytest.mark.django_db(transaction=True)

ODD_CHARSETS = ["base64", "hex", "idna", "punycode", "undefined"]


def serve(method: str, path: str, content_type: str, *, body: bytes = b"", **more: str) -> Any:
    """The status and the body of what the WSGI application answers."""
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    path, _, query = path.partition("?")
    environ |= {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
        "HTTP_HOST": "localhost",
    }
    statuses: list[str] = []

    def start_response(status: str, headers: Any, error: Any = None) -> Any:
        statuses.append(status)

    answer = b"".join(application(environ | more, start_response))
    return int(statuses[0][:3]), answer


def listed(user: User, search: str, charset: str) -> Any:
    status, body = serve(
        "GET",
        f"/api/webchats?search={quote(search)}",
        f"text/plain; charset={charset}",
        HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(user)}",
    )
    assert status == 200, body
    return [row["name"] for row in json.loads(body)["data"]]


def test_charset_of_one_request_does_not_change_the_response_to_another(
    admin: User, other_admin: User
) -> None:
    factories.WebchatFactory.create(organization=admin.organization, name="Café Zoë")
    assert listed(other_admin, "café zoë", "latin-1") == []
    assert listed(admin, "afé Zoë", "utf-16") == ["Café Zoë"]
    assert listed(admin, "café zoë", "utf-8") == ["Café Zoë"]


@pytest.mark.parametrize("charset", ODD_CHARSETS)
def test_unusual_charset_is_not_a_server_error(admin: User, charset: str) -> None:
    factories.WebchatFactory.create(organization=admin.organization, name="Café")
    assert listed(admin, "afé", charset) == ["Café"]


@pytest.mark.parametrize("charset", ODD_CHARSETS)
def test_unusual_charset_of_the_admin_login_is_not_a_server_error(charset: str) -> None:
    form = urlencode({"username": "nobody@example.com", "password": "é"}).encode()
    kind = f"application/x-www-form-urlencoded; charset={charset}"
    status, body = serve(
        "POST", "/admin/login/", kind, body=form, HTTP_COOKIE=f"csrftoken={'a' * 32}"
    )
    assert status == 403, body  # the form's own token is missing
