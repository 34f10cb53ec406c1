"""Large request bodies: how many a process handles at a time, and their memory."""

import gc
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from rest_framework.test import APIClient

from organizations.auth.authentication import BearerAuthentication
from organizations.auth.tokens import AccessToken
from organizations.models import User
from tests.api.errors import assert_error
from webchat_project.body_size import LARGE_BYTES, MAX_LARGE, MAX_UPLOADS, BodySizeLimitMiddleware

FORM = "multipart/form-data; boundary=x"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("size", "maximum"), [(LARGE_BYTES + 1, MAX_LARGE), (2 * 1024 * 1024, MAX_UPLOADS)]
)
def test_large_body_gets_503_while_four_others_are_handled(
    size: int, maximum: int, admin: User
) -> None:
    token = str(AccessToken.for_user(admin))
    all_started, may_end = Barrier(maximum + 1), Event()

    def respond(request: HttpRequest) -> HttpResponse:
        if "wait" in request.GET:
            all_started.wait(10)
            may_end.wait(10)
        return HttpResponse()

    middleware = BodySizeLimitMiddleware(respond)

    def send(size: int, query: str = "") -> int:
        headers = {"Authorization": f"Bearer {token}"}
        url = f"/api/upload{query}"
        try:
            return middleware(
                RequestFactory().post(url, b"x" * size, content_type=FORM, headers=headers)
            ).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(maximum) as threads:
        others = [threads.submit(send, size, "?wait") for _ in range(maximum)]
        all_started.wait(10)
        try:
            statuses = send(size), send(1_000)
        finally:
            may_end.set()
    assert statuses == (503, 200)
    assert [other.result() for other in others] == [200] * maximum
    assert send(size) == 200


@pytest.mark.django_db
def test_upload_of_an_anonymous_client_is_refused_unread(client: Client) -> None:
    """Otherwise such clients could occupy every slot for uploads with slow bodies."""
    body = b"x" * (2 * 1024 * 1024)
    refused = client.post("/api/upload", body, content_type=FORM)
    assert_error(refused, 401, "not_authenticated")
    assert refused.wsgi_request.read(1) == b"x"
    url = reverse("admin:webchats_webchat_import")
    refused = client.post(url, body, content_type=FORM)
    assert refused.headers["Location"] == f"{reverse('admin:login')}?next={url}"


@pytest.mark.django_db
def test_upload_gets_503_while_the_database_is_unavailable(
    api_client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(BearerAuthentication, "authenticate", fail)
    body = b"x" * (2 * 1024 * 1024)
    assert_error(api_client.post("/api/upload", body, content_type=FORM), 503, "unavailable")


@pytest.mark.django_db
def test_upload_with_a_session_is_read(session_client: Client) -> None:
    body = b"x" * (2 * 1024 * 1024)
    url = reverse("admin:webchats_webchat_import")
    assert session_client.post(url, body, content_type=FORM).status_code != 302


@pytest.mark.django_db
def test_values_of_a_large_body_are_freed_with_the_response(api_client: APIClient) -> None:
    """Without the garbage collector, which may run hundreds of requests later."""
    body = json.dumps({"name": [f"text {number}" for number in range(20_000)]})

    def send() -> None:
        response = api_client.post("/api/webchats", body, content_type="application/json")
        assert_error(response, 400, "validation_error")

    send()
    gc.disable()
    try:
        before = sys.getallocatedblocks()
        for _ in range(3):
            send()
        kept = sys.getallocatedblocks() - before
    finally:
        gc.enable()
    assert kept < 20_000
