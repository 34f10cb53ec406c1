"""Parallel requests of several processes and threads."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from django.db import connection
from rest_framework.test import APIClient

from organizations.auth.refresh_tokens import RefreshToken
from organizations.auth.tokens import AccessToken
from organizations.models import Pipeline
from tests.support import factories
from tests.support.authentication import request_refresh
from tests.support.clients import token_client
from webchats.models import Webchat

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parent.parent.parent
FIELDS = ("name", "description", "offsetX", "zIndex")


def database_url() -> str:
    """Return the value of ``DATABASE_URL`` for the database of the tests."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{settings['NAME']}"
    return (
        f"postgres://{settings['USER']}:{settings['PASSWORD']}@"
        f"{settings['HOST']}:{settings['PORT']}/{settings['NAME']}"
    )


def test_parallel_writers_lose_no_update_and_get_no_error() -> None:
    webchat = factories.WebchatFactory.create()
    body = {
        "name": "By a writer",
        "backgroundColor": "#FFFFFF",
        "primaryColor": "#1F2937",
        "secondaryColor": "#3B82F6",
        "promptId": webchat.prompt_id,
        "allowedDomains": [],
        "initialStage": "new",
    }
    token = str(AccessToken.for_user(webchat.user))
    script = str(ROOT / "tests/api/concurrent_writer.py")
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "PYTHONPATH": str(ROOT),
        "LOG_LEVEL": "ERROR",
        "ALLOWED_HOSTS": "testserver",
    }
    writers = [
        subprocess.Popen(
            [sys.executable, script, "1.5", token, webchat.pk, field, json.dumps(body)],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for field in FIELDS
    ]
    reports = [json.loads(writer.communicate(timeout=120)[0]) for writer in writers]
    statuses = {status for report in reports for status in report["statuses"]}
    assert statuses == {"200", "201"}
    document = token_client(webchat.user).get(f"/api/webchats/{webchat.pk}").json()["data"]
    assert {report["field"]: document[report["field"]] for report in reports} == {
        report["field"]: report["last"] for report in reports
    }
    created = sum(report["statuses"]["201"] for report in reports)
    assert Webchat.objects.count() == created + 1


def in_parallel(*calls: Callable[[], int]) -> list[int]:
    """Run each call in a thread, and return their results in order."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], int]) -> int:
        barrier.wait()
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


def test_parallel_uses_of_a_refresh_token_issue_one_pair() -> None:
    token = str(RefreshToken.for_user(factories.UserFactory.create()))

    def refresh() -> int:
        status: int = APIClient().post("/api/auth/refresh", {"refreshToken": token}).status_code
        return status

    assert sorted(in_parallel(*[refresh] * 4)) == [200, 401, 401, 401]


def test_family_of_a_reused_refresh_token_ends_during_an_exchange() -> None:
    first = RefreshToken.for_user(factories.UserFactory.create())
    second = request_refresh(str(first)).json()["refreshToken"]
    third: list[str] = []

    def exchange() -> int:
        response = request_refresh(second)
        third.extend(filter(None, [response.json().get("refreshToken")]))
        status: int = response.status_code
        return status

    def reuse() -> int:
        status: int = request_refresh(str(first)).status_code
        return status

    exchanged, reused = in_parallel(exchange, reuse)
    assert (exchanged, reused) in {(200, 401), (401, 401)}
    for token in (second, *third):
        assert request_refresh(token).status_code == 401


def test_parallel_changes_of_the_default_pipeline_leave_one_default() -> None:
    user = factories.UserFactory.create()
    pipelines = factories.PipelineFactory.create_batch(4, organization=user.organization)

    def make_default(pipeline: Pipeline) -> int:
        path = f"/api/pipelines/{pipeline.pk}"
        status: int = token_client(user).put(path, {"isDefault": True}).status_code
        return status

    statuses = in_parallel(*[partial(make_default, pipeline) for pipeline in pipelines])
    assert set(statuses) <= {200, 409}
    assert Pipeline.objects.filter(is_default=True).count() == 1


def test_prompt_cannot_be_deleted_while_a_webchat_selects_it() -> None:
    user = factories.UserFactory.create()
    webchat = factories.WebchatFactory.create(user=user)
    prompt = factories.PromptFactory.create(organization=user.organization)

    def select() -> int:
        path = f"/api/webchats/{webchat.pk}"
        status: int = token_client(user).put(path, {"promptId": prompt.pk}).status_code
        return status

    def delete() -> int:
        status: int = token_client(user).delete(f"/api/prompts/{prompt.pk}").status_code
        return status

    selected, deleted = in_parallel(select, delete)
    # One of the two fails, whichever comes second.
    assert (selected, deleted) in {(200, 409), (400, 200), (409, 200)}
    webchat.refresh_from_db()
    assert (webchat.prompt_id == prompt.pk) == (selected == 200)
