"""Clients that are generated from the OpenAPI document change one field, and nothing else."""

import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from pytest_django.live_server_helper import LiveServer

from organizations.auth.tokens import AccessToken
from organizations.models import User
from tests.support import factories
from tests.support.clients import token_client
from tests.support.icons import store_icon
from webchats.models import Webchat

TYPESCRIPT = Path(__file__).parent / "typescript"
#: The packages of ``package-lock.json``. A new version of them is installed by hand.
NODE_MODULES = TYPESCRIPT / "node_modules"


@pytest.fixture(scope="session")
def schema_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The OpenAPI document."""
    path = tmp_path_factory.mktemp("schema") / "schema.json"
    call_command("spectacular", "--format", "openapi-json", "--file", str(path))
    return path


@pytest.fixture
def changed_webchat(admin: User) -> Webchat:
    """A webchat in which no field has its default."""
    stage = factories.StageFactory.create(pipeline__organization=admin.organization, slug="hot")
    return factories.WebchatFactory.create(
        user=admin,
        description="Notes",
        starter_message="Hello",
        status_text="Away",
        csat_thank_you_message="Thanks",
        is_survey_enabled=False,
        header_text_color="#111111",
        status_text_color="#222222",
        timestamp_color="#333333",
        csat_background_color="#444444",
        csat_text_color="#555555",
        allowed_domains=["example.com"],
        icon=store_icon(admin.organization_id),
        pipeline=stage.pipeline,
        pipeline_stage=stage,
        entry_stage=stage,
        is_autopilot=True,
        is_auto_assigned=True,
        is_enabled=False,
        position="top-left",
        offset_x=7,
        offset_y=8,
        z_index=9,
    )


def without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return the document without the fields ``names``, and of the icon's URL the path only."""
    icon = urlsplit(document["icon"]).path
    return {k: v for k, v in (document | {"icon": icon}).items() if k not in names}


@pytest.fixture(scope="session")
def python_package(
    schema_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Any]]:
    """Import a module of the client that openapi-python-client has generated."""
    folder = tmp_path_factory.mktemp("python")
    config = folder / "config.yml"
    config.write_text(
        "package_name_override: generated_client\npost_hooks: []\n"
        "content_type_overrides: {application/zip: application/octet-stream}\n"
    )
    command = [
        *(sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"),
        *("--path", str(schema_file), "--config", str(config), "--fail-on-warning"),
        *("--output-path", str(folder / "generated_client")),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield lambda name: importlib.import_module(f"generated_client{name}")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("method", ["update", "partial_update"])
def test_python_client_changes_only_the_field_that_it_sets(
    live_server: LiveServer,
    python_package: Callable[[str], Any],
    changed_webchat: Webchat,
    admin: User,
    method: str,
) -> None:
    path = f"/api/webchats/{changed_webchat.pk}"
    before = token_client(admin).get(path)
    operation = python_package(f".api.webchats.webchats_{method}")
    body_class = python_package(".models").PatchedWebchatRequest
    client_class = python_package("").AuthenticatedClient
    with client_class(live_server.url, str(AccessToken.for_user(admin))) as client:

        def set_offset(offset: int) -> Any:
            return operation.sync(
                changed_webchat.pk,
                client=client,
                body=body_class(offset_x=offset),
                if_match=before.headers["ETag"],
            )

        assert set_offset(3).data.offset_x == 3
        after = token_client(admin).get(path).json()["data"]
        assert set_offset(4).code == "precondition_failed"
    assert after["offsetX"] == 3
    changed = ("offsetX", "updatedAt")
    assert without(after, *changed) == without(before.json()["data"], *changed)


@pytest.mark.django_db(transaction=True)
def test_python_client_answers_a_conversation(
    live_server: LiveServer, python_package: Callable[[str], Any], rep: User
) -> None:
    conversation = factories.ConversationFactory.create(
        webchat__user__organization=rep.organization
    )
    client_class = python_package("").AuthenticatedClient
    with client_class(live_server.url, str(AccessToken.for_user(rep))) as client:

        def call(name: str, *args: str, **options: Any) -> Any:
            operation = python_package(f".api.conversations.conversations_{name}")
            return operation.sync(*args, client=client, **options)

        page = call("list", state=python_package(".models").ConversationsListState.OPEN)
        assert [row.field_id for row in page.data] == [conversation.pk]
        assert page.pagination.next_ is None
        body = python_package(".models").NewMessageRequest(text="Hi", client_key="1", after=0)
        sent = call("messages_create", conversation.pk, body=body)
        assert (sent.data.text, sent.data.user_id, sent.data.event) == ("Hi", rep.pk, None)
        listed = call("messages_list", conversation.pk, after=1)
        assert [row.sequence for row in listed.data] == [2]
        row = call("retrieve", conversation.pk).data
        assert (row.handler.value, row.rating, row.last_message.text) == ("rep", None, "Hi")


@pytest.mark.django_db(transaction=True)
def test_typescript_client_changes_only_the_field_that_it_sets(
    live_server: LiveServer,
    schema_file: Path,
    tmp_path: Path,
    changed_webchat: Webchat,
    admin: User,
) -> None:
    if shutil.which("node") is None or not NODE_MODULES.exists():
        missing = f"Node.js, and its packages: npm ci --prefix {TYPESCRIPT.relative_to(Path.cwd())}"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)

    def run(*command: str) -> str:
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    for name in ("package.json", "tsconfig.json", "client.ts"):
        shutil.copy(TYPESCRIPT / name, tmp_path)
    run("node_modules/.bin/openapi-typescript", str(schema_file), "--output", "schema.d.ts")
    run("node_modules/.bin/tsc")
    token = str(AccessToken.for_user(admin))
    program = ("node", "out/client.js", live_server.url, token)
    report = json.loads(run(*program, changed_webchat.pk, changed_webchat.prompt_id))
    after = token_client(admin).get(f"/api/webchats/{changed_webchat.pk}").json()["data"]
    assert after["offsetX"] == 8
    changed = ("offsetX", "updatedAt")
    assert without(after, *changed) == without(report["before"], *changed)
    assert without(after) == without(report["after"])
    assert (report["outdated"], report["ignored"]) == ("precondition_failed", [])
    assert report["created"]["isEnabled"] is True
