"""A known API key is nowhere, except for its ciphertext and the request to the provider."""

import json
import logging
import subprocess
import sys
from io import StringIO
from typing import Any

import pytest
import sentry_sdk.utils
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from rest_framework.test import APIClient
from sentry_sdk.consts import DEFAULT_OPTIONS

from organizations.ai.connection_job import run_connection_test
from organizations.ai.connection_tests import request_test
from organizations.ai.providers import get_settings
from organizations.jobs import queue
from organizations.models import AiProvider, User
from tests.support import event_loops
from tests.support.ai import API_KEY
from tests.support.environment import ROOT
from tests.support.http_server import http_response, responding
from webchat_project.observability.sentry import cleaned

pytestmark = pytest.mark.django_db(transaction=True)

#: A provider that quotes the key.
ECHO = json.dumps({"error": {"message": f"Bad request with the key {API_KEY}.", "param": API_KEY}})
BODY = {"name": "Model", "kind": "openai", "defaultModel": "m", "apiKey": API_KEY}


def contents_of_the_database() -> str:
    """Return every value of every table as text."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            found += [repr(row) for row in cursor.fetchall()]
    return "\n".join(found)


def test_a_known_key_is_found_nowhere(
    api_client: APIClient,
    session_client: Client,
    admin: User,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    places: dict[str, str] = {}
    response: Any
    with responding(http_response(400, ECHO), http_response(401, ECHO)) as server:
        settings.AI_ALLOWED_ADDRESSES = [server.address]
        body = BODY | {"baseUrl": f"http://{server.address}/v1"}
        created = api_client.post("/api/ai-providers", body)
        pk = created.json()["data"]["_id"]
        path = f"/api/ai-providers/{pk}"
        places["invalid request"] = api_client.put(path, BODY | {"kind": "x"}).content.decode()
        places["update"] = api_client.put(path, body | {"name": "Renamed"}).content.decode()
        provider = AiProvider.objects.get(pk=pk)
        for _ in range(2):
            request_test(provider)
            (job,) = queue.claim(["test_connection"])
            event_loops.run(run_connection_test(job))
            queue.complete(job)
    # The request has the key, and the error what the provider said.
    assert all(API_KEY in request for request in server.requests)
    provider.refresh_from_db()
    assert "does not accept the API key" in provider.last_error

    places["creation"] = created.content.decode()
    for name in ("/api/ai-providers", path, "/api/prompts", "/api/webchats/export"):
        response = api_client.get(name)
        places[name] = b"".join(response).decode()
    changelist = reverse("admin:organizations_aiprovider_changelist")
    pages = [changelist, *(f"{changelist}{pk}/{page}/" for page in ("change", "history", "delete"))]
    pages += [f"{changelist}{pk}/connection/", reverse("admin:index")]
    for url in pages:
        response = session_client.get(url)
        assert response.status_code == 200, url
        places[url] = response.content.decode()
    form = {**BODY, "kind": "x", "api_key": API_KEY}
    places["form"] = session_client.post(f"{changelist}{pk}/change/", form).content.decode()
    output = StringIO()
    call_command("dumpdata", stdout=output)
    places["dumpdata"] = output.getvalue()
    places["database"] = contents_of_the_database()
    places["logs"] = "\n".join(f"{record.__dict__}" for record in caplog.records)
    places["settings"] = repr(get_settings(provider))
    places["crash report"] = crash_report(provider)
    assert provider.name in places["database"]
    assert [place for place, text in places.items() if API_KEY in text] == []


def crash_report(provider: AiProvider) -> str:
    """Return the report of an exception in whose frames, and message, the key is."""
    settings = get_settings(provider)
    try:
        raise RuntimeError(f"Unexpected: {settings} {settings.api_key}")
    except RuntimeError as error:
        event: Any
        event, _ = sentry_sdk.utils.event_from_exception(
            error, client_options={**DEFAULT_OPTIONS, "include_local_variables": False}
        )
    return json.dumps(cleaned(event), default=str)


def test_web_processes_import_no_sdk() -> None:
    """Importing both takes seconds and a hundred megabytes. Only the worker calls models."""
    program = (
        "import sys\n"
        "from django.test import Client\n"
        "import webchat_project.wsgi\n"
        "import webchat_project.asgi\n"
        "import webchat_project.urls\n"
        "from organizations.admin import site\n"
        "names = {'openai', 'anthropic', 'httpx2', 'httpcore2'}\n"
        "print(sorted(names & sys.modules.keys()))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (result.stdout, result.returncode) == ("[]\n", 0), result.stderr
