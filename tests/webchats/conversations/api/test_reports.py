"""The REST API of reports: roles, tenants, parameters, pages and exports."""

import csv
import io
import json
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
import time_machine
from rest_framework.test import APIClient

from organizations.models import Organization, User
from organizations.tenancy.concurrency import MAX_SEARCHES_OF_ONE, search_slot
from tests.api.errors import assert_error
from tests.support import factories
from tests.webchats.conversations.reports.fact_rows import create_rows, create_webchats
from webchats.conversations.models import RetainedConversation
from webchats.imports.formats.xlsx import open_table
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

NOW = datetime(2030, 10, 30, 12, tzinfo=UTC)
PATHS = ("summary", "volume", "export", "conversations", "conversations/export")


@pytest.fixture(autouse=True)
def _now() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def get(client: APIClient, path: str, **query: Any) -> Any:
    return client.get(f"/api/reports/{path}", query)


def body_of(response: Any) -> bytes:
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content)


@pytest.fixture
def rows(organization: Organization) -> list[Any]:
    """Conversations of five days, of which half have been deleted."""
    prompt = factories.PromptFactory.create(organization=organization)
    return create_rows(Random(7), create_webchats(organization), [prompt], 60)


@pytest.mark.parametrize("path", PATHS)
def test_representatives_read_no_reports(
    path: str, api: Callable[..., APIClient], rep: User
) -> None:
    assert get(api(rep), path).status_code == 403
    assert get(api(None), path).status_code == 401
    rep.access_role = "DEPARTMENT_HEAD"
    rep.save()
    assert get(api(rep), path).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_reports_have_no_numbers_of_other_organizations(
    path: str, api: Callable[..., APIClient], other_admin: User, rows: list[Any], superuser: User
) -> None:
    theirs = rows[0].organization
    empty = read(get(api(other_admin), path))
    filters = {"webchatId": next(row.webchat_id for row in rows if row.webchat_id)}
    # Nothing of them, and the same for a filter by a row of theirs as without one.
    assert read(get(api(other_admin), path, **filters)) == empty
    if "conversations" in path:
        assert not [row for row in rows if row.pk in empty]
    else:
        assert "60" not in empty
    denied = get(api(other_admin), path, organization=theirs.pk)
    unknown = get(api(other_admin), path, organization="0" * 24)
    assert (denied.status_code, denied.content) == (404, unknown.content)
    # A superuser says which organization.
    assert get(api(superuser), path).status_code == 400
    assert get(api(superuser), path, organization=theirs.pk).status_code == 200


def read(response: Any) -> str:
    assert response.status_code == 200, response.content
    content = body_of(response) if response.streaming else response.content
    return str(content.decode())


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2030-02-30"}, "from"),
        ({"from": "2030-10-02", "to": "2030-10-01"}, "from"),
        ({"from": "2029-01-01"}, "from"),
        ({"to": "0001-01-01"}, "from"),
        ({"from": "9999-12-31", "to": "9999-12-31"}, "from"),
        ({"webchatId": "x"}, "webchatId"),
        ({"promptVersion": "x"}, "promptVersion"),
    ],
)
@pytest.mark.parametrize("path", PATHS)
def test_malformed_parameters_are_rejected(
    path: str, query: dict[str, str], field: str, api_client: APIClient
) -> None:
    response = get(api_client, path, **query)
    assert response.status_code == 400, response.content
    assert [detail["field"] for detail in response.json()["details"]] == [field]


@pytest.mark.parametrize(
    "key",
    [
        "x",
        "day",
        "day=x",
        "hour=8-0",
        "hour=1",
        "rating=6",
        "prompt=x",
        "rep=",
        "webchat=\0",
    ],
)
def test_an_unknown_key_is_rejected(key: str, api_client: APIClient) -> None:
    for path in ("conversations", "conversations/export"):
        response = get(api_client, path, key=key)
        assert [detail["field"] for detail in response.json()["details"]] == ["key"]


def test_summary_has_the_period_before(
    api_client: APIClient, organization: Organization, rows: list[Any]
) -> None:
    organization.time_zone = "Asia/Tokyo"
    organization.save()
    data = get(api_client, "summary").json()["data"]
    assert (data["current"]["from"], data["current"]["to"]) == ("2030-10-01", "2030-10-30")
    assert (data["before"]["from"], data["before"]["to"]) == ("2030-09-01", "2030-09-30")
    assert data["current"]["timeZone"] == "Asia/Tokyo"
    assert data["current"]["conversations"] == 60
    assert data["before"]["conversations"] == 0
    assert data["before"]["ai"]["handOverRate"] is None


def test_conversations_behind_every_bar_are_listed(
    api_client: APIClient, organization: Organization, rows: list[Any]
) -> None:
    RetainedConversation.objects.all().delete()
    volume = get(api_client, "volume").json()["data"]
    bars = [*volume["days"], *volume["webchats"], *volume["users"], *volume["prompts"]]
    for bar in [bar for bar in bars if bar["count"]]:
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = get(api_client, "conversations", key=bar["key"], limit=7, **cursor).json()
            found += [row["_id"] for row in page["data"]]
            if page["pagination"]["next"] is None:
                break
            cursor = {"cursor": page["pagination"]["next"]}
        assert len(set(found)) == len(found) == bar["count"], bar


@pytest.mark.parametrize("format_", ["csv", "xlsx", "ndjson"])
def test_sums_of_an_export_are_the_figures(
    format_: str, api_client: APIClient, organization: Organization, rows: list[Any]
) -> None:
    table = parse(format_, body_of(get(api_client, "conversations/export", format=format_)))
    data = get(api_client, "summary").json()["data"]["current"]
    assert len(table) == data["conversations"] == 60
    retained = [row for row in table if row["isRetained"] == "true"]
    assert len(retained) == data["retained"] > 0
    assert not any(row["_id"] for row in retained)
    ai, ratings = data["ai"], data["ratings"]
    for column, number in (
        ("aiConfirmed", ai["aiConfirmed"]),
        ("aiAssumed", ai["aiAssumed"]),
        ("askedForPerson", ai["askedForPerson"]),
        ("isSurveyed", ratings["surveyed"]),
    ):
        assert sum(row[column] == "true" for row in table) == number
    for column, number in (
        ("waitCount", data["waiting"]["waitCount"]),
        ("draftsSent", data["drafts"]["draftsSent"]),
        ("changedWords", data["drafts"]["changedWords"]),
    ):
        assert sum(int(row[column]) for row in table) == number
    assert sum(bool(row["handedOverAt"]) for row in table) == ai["handedOver"]
    assert sum(row["ratingScore"] == "5" for row in table) == ratings["all"]["distribution"]["5"]
    names = dict(Webchat.objects.filter(organization=organization).values_list("pk", "name"))
    assert {row["webchatId"]: row["webchat"] for row in table if row["webchatId"]} == names
    local = {row["localTime"][:10] for row in table}
    days = get(api_client, "volume").json()["data"]["days"]
    assert local == {bar["day"] for bar in days if bar["count"]}


def parse(format_: str, content: bytes) -> list[dict[str, str]]:
    """Return the rows of a file, with cells as texts as in CSV."""
    if format_ == "csv":
        return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    if format_ == "ndjson":
        rows = [json.loads(line) for line in content.splitlines()]
        return [{name: to_text(value) for name, value in row.items()} for row in rows]
    with open_table(io.BytesIO(content)) as table:
        header = table.header or []
        return [dict.fromkeys(header, "") | to_texts(row.cells) for row in table.rows]


def to_texts(cells: dict[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in cells.items()}


def to_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def test_table_has_every_number_of_the_report(
    api_client: APIClient, organization: Organization, rows: list[Any]
) -> None:
    table = parse("csv", body_of(get(api_client, "export")))
    values = {(row["table"], row["name"]): row["value"] for row in table}
    data = get(api_client, "summary").json()["data"]["current"]
    assert values["summary", "conversations"] == "60"
    assert values["ai", "handed_over"] == str(data["ai"]["handedOver"])
    score = data["ratings"]["all"]["distribution"]["4"]
    assert values["ratings", "all.distribution.4"] == str(score)
    reply = data["firstReplies"]["reply"]
    assert values["first_replies", "reply.median"] == str(reply["median"])
    days = [row for row in table if row["table"] == "days"]
    assert sum(int(row["value"]) for row in days) == 60


def test_report_of_an_api_key(admin: User, rows: list[Any]) -> None:
    factories.ApiKeyFactory.create(user=admin, secret="wck_mine")
    client = APIClient(HTTP_AUTHORIZATION="Bearer wck_mine")
    since = str((NOW - timedelta(days=9)).date())
    assert get(client, "summary", **{"from": since}).status_code == 200


@pytest.mark.parametrize("path", ["summary", "volume", "export", "conversations"])
def test_reports_at_once_count_as_searches(
    admin: User, rep: User, api_client: APIClient, path: str
) -> None:
    with ExitStack() as running:
        for _ in range(MAX_SEARCHES_OF_ONE):
            running.enter_context(search_slot(rep))
        response = get(api_client, path)
    assert_error(response, 503, "unavailable")
    assert int(response.headers["Retry-After"]) > 0
    assert get(api_client, path).status_code == 200
