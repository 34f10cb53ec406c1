"""Several processes write at once, on the real database."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from organizations.auth.tokens import AccessToken, RefreshToken
from organizations.models import Pipeline
from tests.support import factories
from webchats.models import Webchat

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parent.parent.parent
FIELDS = (
    "name",
    "description",
    "starterMessage",
    "statusText",
    "csatThankYouMessage",
    "offsetX",
    "offsetY",
    "zIndex",
)


def url_of_the_test_database() -> str:
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
        "DATABASE_URL": url_of_the_test_database(),
        "PYTHONPATH": str(ROOT),
        "LOG_LEVEL": "ERROR",
        "ALLOWED_HOSTS": "testserver",
    }
    writers = [
        subprocess.Popen(
            [sys.executable, script, "3", token, webchat.pk, field, json.dumps(body)],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for field in FIELDS
    ]
    reports = [json.loads(writer.communicate(timeout=120)[0]) for writer in writers]
    statuses = {status for report in reports for status in report["statuses"]}
    assert statuses == {"200", "201"}
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    document = client.get(f"/api/webchats/{webchat.pk}").json()["data"]
    assert {report["field"]: document[report["field"]] for report in reports} == {
        report["field"]: report["last"] for report in reports
    }
    created = sum(report["statuses"]["201"] for report in reports)
    assert Webchat.objects.count() == created + 1


def at_once(*calls: Any) -> list[Any]:
    """Run each call in a thread of its own, all released together; return their responses."""
    barrier = threading.Barrier(len(calls))
    responses: list[Any] = [None] * len(calls)

    def run(number: int, call: Any) -> None:
        barrier.wait()
        try:
            responses[number] = call()
        finally:
            connection.close()

    threads = [
        threading.Thread(target=run, args=(number, call)) for number, call in enumerate(calls)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return responses


def test_parallel_uses_of_a_refresh_token_give_one_pair() -> None:
    token = str(RefreshToken.for_user(factories.UserFactory.create()))

    def refresh() -> int:
        status: int = APIClient().post("/api/auth/refresh", {"refreshToken": token}).status_code
        return status

    assert sorted(at_once(*[refresh] * 4)) == [200, 401, 401, 401]


def test_parallel_changes_of_the_default_pipeline_leave_one_default() -> None:
    user = factories.UserFactory.create()
    pipelines = factories.PipelineFactory.create_batch(4, organization=user.organization)
    token = AccessToken.for_user(user)

    def make_default(pipeline: Pipeline) -> Any:
        def call() -> int:
            client = APIClient()
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
            path = f"/api/pipelines/{pipeline.pk}"
            status: int = client.put(path, {"isDefault": True}).status_code
            return status

        return call

    statuses = at_once(*[make_default(pipeline) for pipeline in pipelines])
    assert set(statuses) <= {200, 409}
    assert Pipeline.objects.filter(is_default=True).count() == 1


def test_prompt_cannot_be_deleted_while_a_webchat_selects_it() -> None:
    user = factories.UserFactory.create()
    webchat = factories.WebchatFactory.create(user=user)
    prompt = factories.PromptFactory.create(organization=user.organization)
    token = AccessToken.for_user(user)

    def client() -> APIClient:
        made = APIClient()
        made.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return made

    chosen, deleted = at_once(
        lambda: client().put(f"/api/webchats/{webchat.pk}", {"promptId": prompt.pk}).status_code,
        lambda: client().delete(f"/api/prompts/{prompt.pk}").status_code,
    )
    # One of them wins, and the other is told; the outcome is whole either way.
    assert (chosen, deleted) in {(200, 409), (400, 200), (409, 200)}
    webchat.refresh_from_db()
    assert (webchat.prompt_id == prompt.pk) == (chosen == 200)
