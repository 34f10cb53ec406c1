"""Every statement names the organization of its rows, or finds them as the reviewed lists say.

A walk through the service records the SQL. A new way to find rows fails until it names the
organization or is entered here, and an entry that no longer occurs fails, too. docs/scaling.md has
the same lists in short.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from django.apps import apps
from django.core.handlers.base import BaseHandler
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.http import HttpRequest
from django.urls import get_resolver
from pytest_django import Settings

from organizations.models import Organization, User
from tests.support.ai_webchats import create_ai_webchat
from tests.support.models import use_model
from tests.support.requests_of_all import Walk
from tests.support.statements import ORGANIZATION, find_uses
from tests.support.streams import LiveServer, running_live
from tests.test_tenant_isolation import api_patterns

ROOT: Final = Path(__file__).resolve().parent.parent
SECTION: Final = (ROOT / "docs" / "scaling.md").read_text().rpartition("\n## ")[2]
TABLES: Final = {
    model._meta.db_table: "id" if model is Organization else "organization_id"
    for model in apps.get_models(include_auto_created=True)
    if model._meta.app_label in ("organizations", "webchats", "conversations")
}
#: Columns, other than ``id``, by which rows of one organization are found. Each is the key of
#: another row of the organization, which the caller has.
BY_KEY: Final = {
    # Deleting a stage, a pipeline or a webchat, and its use.
    "conversations_contact": {"pipeline_id", "stage_id", "webchat_id"},
    "conversations_contactmerge": {"contact_id", "contact_id, kept_id", "inside_id"},
    "conversations_conversation": {
        "contact_id",
        "contact_id, merge_id",
        "merge_id",
        # The session of a visitor has both.
        "visitor_id, webchat_id",
        # Deleting a prompt or a webchat.
        "ai_prompt_id",
        "prompt_id",
        "webchat_id",
    },
    "conversations_draft": {"conversation_id", "reply_id"},
    "conversations_erasure": {"contact_id"},
    "conversations_knowledgeentry_prompts": {
        "knowledgeentry_id",
        "knowledgeentry_id, prompt_id",
        "prompt_id",
    },
    "conversations_message": {"conversation_id", "reply_id"},
    "conversations_note": {"conversation_id", "conversation_id, user_id"},
    "conversations_pushsubscription": {"user_id"},
    "conversations_reply": {"conversation_id", "conversation_id, prompt_id", "prompt_id"},
    "conversations_retainedconversation": {"ai_prompt_id", "webchat_id"},
    "conversations_savedview": {"user_id"},
    "conversations_stagemove": {
        "contact_id",
        "contact_id, merge_id",
        # Deleting a stage or a pipeline.
        "from_pipeline_id",
        "from_stage_id",
        "to_pipeline_id",
        "to_stage_id",
    },
    "conversations_unsenttext": {"conversation_id", "conversation_id, user_id"},
    # Deleting a provider, a prompt or a user, and their use.
    "organizations_aiprovider": {"fallback_id"},
    "organizations_aiusage": {"prompt_id", "provider_id"},
    "organizations_apikey": {"user_id"},
    # Its ``id`` is the organization.
    "organizations_historicalorganization": {"history_user_id"},
    "organizations_knownaddress": {"user_id"},
    "organizations_prompt": {"provider_id"},
    "organizations_stage": {"pipeline_id"},
    "webchats_lastload": {"webchat_id"},
    "webchats_pendingimport": {"user_id"},
    "webchats_webchat": {
        "created_by_id",
        "entry_stage_id",
        "pipeline_id",
        "pipeline_stage_id",
        "prompt_id",
        "user_id",
    },
}
#: What finds rows without a key of the organization, and why.
ACROSS: Final = {
    ("organizations_job", "kind"): "Workers claim jobs of all organizations.",
    ("organizations_job", "key, kind"): "Its key is the id of a row of one organization.",
    ("organizations_user", "email"): "Sign-in by e-mail address.",
    ("organizations_apikey", "digest"): "The look-up of an API key.",
    ("organizations_knownaddress", "digest"): "The look-up of an address at sign-in.",
    ("organizations_organization", ""): "Commands and workers list the organizations.",
    ("organizations_user", "access_role"): "Workers look for weekly reports that are due.",
    ("organizations_aiusage", ""): "Workers settle reservations of lost calls.",
    ("conversations_conversation", "state"): "Workers look for inactive and unattended ones.",
    (
        "conversations_conversation",
        "handler, last_message_author, state",
    ): "Workers look for conversations without a reply.",
    ("conversations_erasure", ""): "Workers look for erasures without a job.",
    ("conversations_contactmerge", ""): "Workers end the time in which a merge can be undone.",
    ("conversations_message", ""): "Words of the full-text index name the organization.",
    ("conversations_knowledgeentry", ""): "Found by prompt, in a condition EXISTS.",
    ("conversations_knowledgeentry_prompts", ""): "Entries of other prompts, in a NOT EXISTS.",
}
#: Routes that are not in the walk: static files, what needs a push service, a file or a mail.
NOT_WALKED: Final = {
    *("inbox:push-worker", "inbox:devices", "inbox:remove-device", "push-subscription"),
    *("widget:loader", "widget:frame-script", "widget:frame-styles", "widget:survey"),
    *("widget:survey-script", "widget:survey-styles"),
    *("reports:unsubscribe", "webchat-import-file", "contact-import-file", "upload"),
    *("webchat-icon", "logout", "schema", "docs"),
}


@pytest.fixture
def live(transactional_db: None, settings: Settings) -> Iterator[LiveServer]:
    """The application that holds streams. Its queries have connections of their own."""
    settings.LIVE_SHUTDOWN_SECONDS = 0
    with running_live() as server:
        yield server


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The statements of the project, of every thread. Those of the tests are left out."""
    statements: set[str] = set()

    def record(name: str, function: Any) -> None:
        def call(cursor: Any, sql: str, *arguments: Any) -> Any:
            if not _find_caller().startswith("/tests/"):
                statements.add(sql)
            return function(cursor, sql, *arguments)

        monkeypatch.setattr(CursorWrapper, name, call, raising=False)

    for name in ("execute", "executemany"):
        record(name, getattr(CursorWrapper, name))
    # A method of the driver.
    record("copy", lambda cursor, sql: cursor.cursor.copy(sql))
    return statements


def _is_own(path: str) -> bool:
    """Return whether the file is the project's, whose folder may contain the libraries."""
    return path.startswith(f"{ROOT}/") and not path.startswith(f"{sys.prefix}/")


def _find_caller() -> str:
    """Return the nearest file of the project on the stack, from its folder on."""
    frame = sys._getframe(2)
    while frame is not None and not _is_own(frame.f_code.co_filename):
        frame = frame.f_back  # type: ignore[assignment]
    return frame.f_code.co_filename.removeprefix(str(ROOT)) if frame else ""


@pytest.fixture
def walked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of the routes that were requested."""
    names: set[str] = set()
    resolve: Any = BaseHandler.resolve_request

    def resolve_request(handler: BaseHandler, request: HttpRequest) -> Any:
        match = resolve(handler, request)
        names.add(match.view_name)
        return match

    monkeypatch.setattr(BaseHandler, "resolve_request", resolve_request)
    return names


@pytest.fixture
def walk(
    live: LiveServer,
    admin: User,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    throttle_rates: Any,
    tmp_path: Path,
) -> Walk:
    """A webchat that the AI answers at once, and the limits of visitors raised."""
    settings.AI_DEBOUNCE_SECONDS = 0
    settings.EMAIL_ENABLED, settings.BASE_URL = True, "https://chat.example.com"
    names = ("tickets_address", "requests_address", "replies_address", "conversations_address")
    throttle_rates(**{f"widget_{name}": "100000/hour" for name in names})
    use_model(monkeypatch, ["sources: 1\nAnswer [1]."])
    webchat = create_ai_webchat(admin, allowed_domains=["shop.example.com"])
    return Walk(webchat, live, tmp_path)


def route_names() -> set[str]:
    """Return the names of the routes of the API, visitors, the inbox, the board and reports."""
    names = {str(pattern.name) for pattern in api_patterns()}
    for namespace in ("visitor", "widget", "inbox", "board", "reports"):
        _, resolver = get_resolver().namespace_dict[namespace]
        names |= {f"{namespace}:{name}" for name in resolver.reverse_dict if isinstance(name, str)}
    return names


@pytest.mark.skipif(connection.vendor != "postgresql", reason="The SQL is that of production.")
def test_statements_name_the_organization_or_are_reviewed(
    walk: Walk, recorded: set[str], walked: set[str]
) -> None:
    walk.run()
    assert walk.refused == []
    assert route_names() - walked == NOT_WALKED
    # A copy: threads of the live process continue.
    statements = recorded.copy()
    found = {(use.table, use.by) for sql in statements for use in find_uses(sql, TABLES)}
    named = {table for table, by in found if by == ORGANIZATION}
    assert len(named) > 20
    others = {(table, by) for table, by in found if by not in (ORGANIZATION, "id")}
    reviewed = {(table, by) for table, columns in BY_KEY.items() for by in columns}
    new = others - reviewed - set(ACROSS)
    uses = ((sql, use) for sql in statements for use in find_uses(sql, TABLES))
    assert [sql for sql, use in uses if (use.table, use.by) in new] == []
    assert others == reviewed | set(ACROSS)
    keyed = {table for table, by in found if by == "id"} | set(BY_KEY)
    counts = [len(named), len(keyed), len({table for table, _ in ACROSS})]
    documented = re.findall(r"^\| .+ \| (\d+) \| ", SECTION, re.MULTILINE)
    assert [int(number) for number in documented] == counts


def test_the_documentation_has_each_reason() -> None:
    documented = re.findall(r"^\| ([^|]+\.) \| ", SECTION, re.MULTILINE)
    assert sorted(documented) == sorted(ACROSS.values())


@pytest.mark.parametrize(
    ("sql", "by"),
    [
        ("SELECT 1 FROM note n WHERE n.organization_id = %s AND n.id > %s", ORGANIZATION),
        ("SELECT 1 FROM note WHERE (note.id = %s AND NOT (note.organization_id = %s))", "id"),
        ("SELECT 1 FROM note WHERE (note.organization_id = %s OR note.user_id = %s)", ""),
        (
            "SELECT 1 FROM note WHERE ((note.t_id = %s AND note.n > %s) OR note.t_id = %s) AND n",
            "t_id",
        ),
        ("SELECT 1 FROM note WHERE (note.id) IN ((%s), (%s))", "id"),
        ("SELECT 1 FROM note WHERE note.organization_id > %s", ""),
        ("SELECT note.organization_id FROM note WHERE note.user_id IN (%s, %s)", "user_id"),
        ("UPDATE note SET organization_id = %s WHERE note.id = %s", "id"),
        ("DELETE FROM note WHERE note.state = 'organization_id = %s'", "state"),
        ("SELECT 1 FROM note JOIN t ON (t.id = note.t) WHERE t.organization_id = %s", ORGANIZATION),
        ("SELECT 1 FROM note LEFT JOIN t ON (note.t_id = t.id) WHERE note.user_id = %s", "user_id"),
        ("SELECT 1 FROM note WHERE note.t IN (SELECT U0.id FROM t U0 WHERE U0.a = %s)", None),
        (
            "SELECT 1 FROM note WHERE note.t_id IN"
            " (SELECT U0.id FROM t U0 WHERE U0.organization_id = %s)",
            ORGANIZATION,
        ),
        ("INSERT INTO note (id, organization_id) VALUES (%s, %s)", ORGANIZATION),
        ("COPY note (id, user_id) FROM STDIN", "user_id"),
    ],
)
def test_a_statement_is_understood_strictly(sql: str, by: str | None) -> None:
    uses = [use.by for use in find_uses(sql, {"note": "organization_id"})]
    assert uses == ([] if by is None else [by])


def test_each_part_of_a_union_counts() -> None:
    sql = "SELECT 1 FROM note WHERE note.organization_id = %s UNION ALL SELECT 1 FROM note"
    assert [use.by for use in find_uses(sql, {"note": "organization_id"})] == [ORGANIZATION, ""]
