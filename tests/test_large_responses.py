"""Large responses that clients read slowly, or not at all."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.test import Client, RequestFactory

from organizations.models import Prompt, Stage, User
from organizations.tenancy.large_responses import (
    LARGE_BYTES,
    MAX_ANONYMOUS,
    MAX_LARGE,
    MAX_OF_ADDRESS,
    MAX_OF_ONE,
    reserve_large_response,
    take_reservation,
)
from tests.api.errors import assert_error
from tests.support import factories
from webchat_project.body_size import LargeResponseMiddleware
from webchats.conversations.models import KnowledgeEntry

# Django closes the database connection with a response.
pytestmark = pytest.mark.django_db

CONTENT = bytes(range(256)) * (LARGE_BYTES // 256 + 1)


@pytest.fixture
def middleware() -> LargeResponseMiddleware:
    """The middleware before a view that returns the status and the size of the query string."""

    def respond(request: HttpRequest) -> HttpResponse:
        size = int(request.GET.get("size", len(CONTENT)))
        status = int(request.GET.get("status", "200"))
        response = HttpResponse(CONTENT[:size], status=status, headers={"ETag": '"1"'})
        response.set_cookie("seen", "yes")
        return response

    return LargeResponseMiddleware(respond)


def send(
    middleware: LargeResponseMiddleware,
    user: User | None = None,
    address: str = "192.0.2.1",
    method: str = "GET",
    **query: str,
) -> HttpResponseBase:
    """Send a request and read nothing of its response."""
    path = "/api/prompts?" + "&".join(f"{name}={value}" for name, value in query.items())
    request = RequestFactory().generic(method, path, REMOTE_ADDR=address)
    if user:
        request.user = user
    return middleware(request)


@pytest.fixture
def unread(middleware: LargeResponseMiddleware) -> Iterator[list[HttpResponseBase]]:
    """As many unread responses as one organization may have."""
    user = User(organization_id="a" * 24)
    responses = [send(middleware, user) for _ in range(MAX_OF_ONE)]
    assert {response.status_code for response in responses} == {200}
    yield responses
    for response in responses:
        response.close()


def test_one_more_large_response_of_an_organization_is_503(
    middleware: LargeResponseMiddleware, unread: list[HttpResponseBase]
) -> None:
    same, other = User(organization_id="a" * 24), User(organization_id="b" * 24)
    refused = send(middleware, same)
    assert isinstance(refused, JsonResponse)
    assert refused.status_code == 503
    assert b"have not been read" in refused.content
    assert int(refused.headers["Retry-After"]) > 0
    # Small responses, other organizations, and reports of a completed write are not affected.
    assert send(middleware, same, size=str(LARGE_BYTES)).status_code == 200
    assert send(middleware, same, method="POST").status_code == 200
    assert send(middleware, same, method="POST", status="400").status_code == 503
    assert send(middleware, other).status_code == 200
    unread[0].close()
    unread[0] = send(middleware, same)
    assert unread[0].status_code == 200


def test_organizations_are_counted_together(
    middleware: LargeResponseMiddleware, unread: list[HttpResponseBase]
) -> None:
    users = [User(organization_id=f"{n:024}") for n in range(MAX_LARGE - MAX_OF_ONE + 1)]
    others = [send(middleware, user) for user in users]
    assert [response.status_code for response in others] == [200] * (len(users) - 1) + [503]
    for response in others:
        response.close()


def test_anonymous_clients_are_counted_by_address_and_apart_from_users(
    middleware: LargeResponseMiddleware,
) -> None:
    unread = [send(middleware) for _ in range(MAX_OF_ADDRESS)]
    assert send(middleware).status_code == 503
    others = range(MAX_ANONYMOUS - MAX_OF_ADDRESS)
    unread += [send(middleware, address=f"198.51.100.{n}") for n in others]
    assert {response.status_code for response in unread} == {200}
    assert send(middleware, address="203.0.113.1").status_code == 503
    assert send(middleware, User(organization_id="a" * 24)).status_code == 200
    # The server discards a response without closing it if a middleware fails.
    unread.clear()
    assert send(middleware, address="203.0.113.1").status_code == 200


def test_large_response_is_complete_and_is_taken_in_pieces(
    middleware: LargeResponseMiddleware,
) -> None:
    response = send(middleware)
    assert isinstance(response, HttpResponse)
    pieces = list(response)
    assert b"".join(pieces) == CONTENT == response.content
    assert max(map(len, pieces)) <= 64 * 1024
    assert response.headers["ETag"] == '"1"'
    assert response.cookies["seen"].value == "yes"
    response.close()


@pytest.fixture
def reserved(admin: User) -> Iterator[None]:
    """As many large responses as the organization of ``admin`` may have."""
    # Responses of earlier tests count until they are closed or collected.
    gc.collect()
    requests = [RequestFactory().get("/") for _ in range(MAX_OF_ONE)]
    for request in requests:
        request.user = admin
        reserve_large_response(request)
    yield
    for request in requests:
        take_reservation(request)()


def test_large_page_of_prompts_is_counted_before_its_rows_are_read(
    api: Any, admin: User, other_admin: User, reserved: None, django_assert_max_num_queries: Any
) -> None:
    for user in (admin, other_admin):
        factories.PromptFactory.create_batch(
            22, organization=user.organization, instructions="🌍" * 20_000
        )
    with django_assert_max_num_queries(4):
        refused = api(admin).get("/api/prompts?limit=100")
    assert "have not been read" in assert_error(refused, 503, "unavailable")["error"]
    for path in ("/api/prompts?limit=2", "/api/prompts?limit=100&search=nothing"):
        assert api(admin).get(path).status_code == 200
    page = api(other_admin).get("/api/prompts?limit=100").json()
    assert [document["instructions"] for document in page["data"]] == ["🌍" * 20_000] * 22


def test_large_page_of_pipelines_is_counted(api: Any, admin: User, reserved: None) -> None:
    for pipeline in factories.PipelineFactory.create_batch(6, organization=admin.organization):
        Stage.objects.bulk_create(
            Stage(pipeline=pipeline, name=f"Stage {n}", slug=f"stage-{n}") for n in range(100)
        )
    assert api(admin).get("/api/pipelines?limit=100").status_code == 503
    assert api(admin).get("/api/pipelines?limit=3").status_code == 200


def test_large_page_of_knowledge_is_counted_with_the_prompts_of_its_entries(
    api: Any, admin: User, reserved: None, django_assert_max_num_queries: Any
) -> None:
    prompts = factories.PromptFactory.create_batch(24, organization=admin.organization)
    entries = factories.KnowledgeEntryFactory.create_batch(22, organization=admin.organization)
    links = KnowledgeEntry.prompts.through
    links.objects.bulk_create(
        links(knowledgeentry_id=entry.pk, prompt_id=prompt.pk)
        for entry in entries
        for prompt in prompts
    )
    assert api(admin).get("/api/knowledge?limit=22").status_code == 503
    KnowledgeEntry.objects.update(answer="🌍" * 4_000)
    with django_assert_max_num_queries(3):  # The user, an update of theirs, and the size.
        assert api(admin).get("/api/knowledge").status_code == 503
    KnowledgeEntry.objects.update(answer="Yes")
    assert api(admin).get("/api/knowledge?limit=21").status_code == 200


def test_large_form_with_errors_is_503_like_a_page(session_client: Client, reserved: None) -> None:
    form = {"name": "", "instructions": "x" * LARGE_BYTES}
    response = session_client.post("/admin/organizations/prompt/add/", form)
    assert response.status_code == 503
    assert not Prompt.objects.exists()
