"""Every route of visitors requires a valid session, and reaches the visitor's own rows only.

The routes come from the URLconf. A new route is tested without a change here.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLResolver, get_resolver
from django.utils import timezone
from time_machine import travel

from organizations.models import User
from tests.support import factories
from tests.support.visitors import Visitor
from webchats.conversations.models import Conversation, Message
from webchats.conversations.visitor.widget_view import VisitorView
from webchats.models import Webchat
from webchats.services import end_sessions

pytestmark = pytest.mark.django_db

PREFIX = "widget/<str:webchat_id>/"
#: Routes without a session.
PUBLIC = {"config", "session", "ticket"}
#: A body that is valid for every route.
BODY = {"clientKey": "new", "text": "INTRUDER", "sequence": 1, "score": 1, "comment": "INTRUDER"}
SECRET = "SECRET-TEXT"


def find_views(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path and the view of every pattern of the URLconf."""
    for entry in resolver.url_patterns:
        path = f"{prefix}{entry.pattern}"
        if isinstance(entry, URLResolver):
            yield from find_views(entry, path)
        else:
            yield path, entry.callback


def find_routes() -> list[tuple[str, str]]:
    """Return method and name of every route below the path of a webchat."""
    routes = []
    for path, view in find_views(get_resolver()):
        if path.startswith(PREFIX) and path.removeprefix(PREFIX) not in PUBLIC:
            assert issubclass(view.cls, VisitorView), path
            methods = {"get", "post", "put", "patch", "delete"} & set(view.cls.http_method_names)
            found = [method for method in sorted(methods) if hasattr(view.cls, method)]
            routes += [(method, path.removeprefix(PREFIX)) for method in found]
    return routes


ROUTES = find_routes()
every_route = pytest.mark.parametrize(("method", "name"), ROUTES)


def call(visitor: Visitor, method: str, name: str, token: str | None = None) -> Any:
    """Call a route with a session token, by default that of the visitor."""
    token = visitor.token if token is None else token
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    options: Any = {} if method == "get" else {"data": BODY}
    client: Any = visitor.client
    return getattr(client, method)(f"{visitor.path}/{name}", headers=headers, **options)


def get_outcome(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


EXPIRED, DISABLED = (401, "session_expired"), (410, "disabled")


def test_the_routes_of_the_contract_are_tested() -> None:
    assert {name for _, name in ROUTES} >= {
        "messages",
        "typing",
        "read",
        "human",
        "close",
        "rating",
        "transcript",
    }
    assert {("get", "messages"), ("post", "messages")} <= set(ROUTES)


@every_route
def test_a_route_requires_a_session_of_this_webchat(
    visitor: Visitor, admin: User, method: str, name: str
) -> None:
    theirs = Visitor(factories.WebchatFactory.create(user=admin))
    theirs.send(SECRET)
    for token in ("", "x", theirs.token, visitor.get_ticket()):
        response = call(visitor, method, name, token)
        assert get_outcome(response) == EXPIRED
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="widget"'
        assert response.headers["Cache-Control"] == "no-store"
    unknown = Visitor.__new__(Visitor)
    unknown.client, unknown.path = visitor.client, "/widget/%00"
    assert get_outcome(call(unknown, method, name, visitor.token)) == EXPIRED
    assert Message.objects.count() == 1


@every_route
def test_a_session_reaches_no_rows_of_another_visitor(
    webchat: Webchat, visitor: Visitor, method: str, name: str
) -> None:
    Visitor(webchat).send(SECRET)
    theirs = Conversation.objects.values().get()
    response = call(visitor, method, name)
    assert response.status_code in (200, 201, 204, 404)
    assert SECRET not in b"".join(response).decode()
    assert Conversation.objects.filter(pk=theirs["id"]).values().get() == theirs


@every_route
def test_a_route_is_closed_when_the_session_ends(
    webchat: Webchat, visitor: Visitor, method: str, name: str
) -> None:
    visitor.send()
    rows = Webchat.objects.filter(pk=webchat.pk)
    # The origin leaves the list.
    rows.update(allowed_domains=["other.example.com"])
    assert get_outcome(call(visitor, method, name)) == EXPIRED
    # An ended session is reported before a disabled webchat.
    rows.update(is_enabled=False)
    assert get_outcome(call(visitor, method, name)) == EXPIRED
    rows.update(allowed_domains=[])
    assert get_outcome(call(visitor, method, name)) == DISABLED
    rows.update(is_enabled=True)
    with travel(timezone.now().replace(year=2100)):
        assert get_outcome(call(visitor, method, name)) == EXPIRED
    end_sessions(webchat=rows.get())
    assert get_outcome(call(visitor, method, name)) == EXPIRED
    assert Message.objects.count() == 1


@every_route
def test_the_webchat_of_a_session_is_deleted(
    webchat: Webchat, visitor: Visitor, method: str, name: str
) -> None:
    visitor.send()
    webchat.delete()
    assert get_outcome(call(visitor, method, name)) == DISABLED
    conversation = Conversation.objects.get()
    assert (conversation.state, conversation.closed_by) == ("closed", "system")


@every_route
def test_a_route_sets_no_cookie_and_no_cors_headers(
    visitor: Visitor, admin: User, method: str, name: str
) -> None:
    visitor.send()
    if name == "rating":
        visitor.post("close")
    # A member of staff who is signed in is a visitor like any other.
    visitor.client.force_login(admin)
    headers = {"Authorization": f"Bearer {visitor.token}", "Origin": visitor.site}
    options: Any = {} if method == "get" else {"data": BODY}
    client: Any = visitor.client
    response = getattr(client, method)(f"{visitor.path}/{name}", headers=headers, **options)
    assert response.status_code in (200, 201, 204)
    assert not response.cookies
    assert "Cookie" not in response.headers.get("Vary", "")
    assert response.headers["Cache-Control"] == "no-store"
    assert [header for header in response.headers if header.startswith("Access-Control")] == []


def test_unknown_paths_below_a_webchat_are_json_errors(webchat: Webchat) -> None:
    response = Client().post(f"/widget/{webchat.pk}/nothing")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
