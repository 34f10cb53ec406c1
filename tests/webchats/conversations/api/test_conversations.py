"""The list of conversations in the API, and one conversation."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from organizations.models import User
from tests.support import factories
from tests.support.clients import token_client
from webchats.conversations import services
from webchats.conversations.models import Conversation
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
URL = "/api/conversations"


def create(webchat: Webchat, minutes: int = 0, **fields: Any) -> Conversation:
    """Return a conversation whose last message was ``minutes`` ago."""
    at = NOW - timedelta(minutes=minutes)
    return factories.ConversationFactory.create(webchat=webchat, last_message_at=at, **fields)


def ids(client: APIClient, query: str = "") -> list[str]:
    response = client.get(f"{URL}?{query}")
    assert response.status_code == 200, response.content
    return [document["_id"] for document in response.json()["data"]]


def test_document_has_the_fields_of_the_contract(api_client: APIClient, webchat: Webchat) -> None:
    conversation = services.send_visitor_message(
        webchat=webchat,
        visitor_id="a" * 32,
        text="Hello\nthere",
        client_key="1",
        contact={"name": "Ada", "email": "ada@example.com"},
    ).message.conversation
    response = api_client.get(f"{URL}/{conversation.pk}")
    document = response.json()["data"]
    times = {name: document.pop(name) for name in list(document) if name.endswith(("At", "Since"))}
    assert document == {
        "_id": conversation.pk,
        "organizationId": webchat.organization_id,
        "webchatId": webchat.pk,
        "contactId": conversation.contact_id,
        "contact": {
            "_id": conversation.contact_id,
            "name": "Ada",
            "email": "ada@example.com",
            "phone": "",
        },
        "promptId": None,
        "isAutopilot": None,
        "state": "open",
        "handler": "waiting",
        "assigneeId": None,
        "lastSequence": 1,
        "unread": 1,
        "lastMessage": {"author": "visitor", "text": "Hello there"},
        "rating": None,
    }
    assert times.keys() == {
        "lastMessageAt",
        "waitingSince",
        "firstReplyAt",
        "closedAt",
        "createdAt",
        "updatedAt",
    }
    assert times["lastMessageAt"] == times["waitingSince"] != times["firstReplyAt"] is None
    assert response.headers["ETag"]
    assert api_client.get(URL).json()["data"] == [document | times]


def test_pages_follow_the_cursor_and_each_row_is_on_one(
    api_client: APIClient, webchat: Webchat
) -> None:
    # Five pairs of equal times.
    rows = [create(webchat, number // 2) for number in range(10)]
    seen: list[str] = []
    query = {"limit": "3"}
    while True:
        page = api_client.get(URL, query).json()
        seen += [document["_id"] for document in page["data"]]
        cursor = page["pagination"]["next"]
        assert page["pagination"]["limit"] == 3
        if cursor is None:
            break
        query["cursor"] = cursor
        # The newest activity moves a row that has been read to the first page.
        Conversation.objects.filter(pk=seen[0]).update(last_message_at=NOW + timedelta(hours=1))
    assert len(seen) == 10
    newest_first = sorted(rows, key=lambda row: (row.last_message_at, row.pk), reverse=True)
    assert seen == [row.pk for row in newest_first]


def test_longest_wait_is_first(api_client: APIClient, webchat: Webchat) -> None:
    waits = [
        create(webchat, waiting_since=NOW - timedelta(minutes=minutes)) for minutes in (1, 3, 2)
    ]
    create(webchat)
    first = api_client.get(URL, {"ordering": "waitingSince", "limit": "2"}).json()
    query = f"ordering=waitingSince&limit=2&cursor={first['pagination']['next']}"
    found = [document["_id"] for document in first["data"]] + ids(api_client, query)
    assert found == [waits[1].pk, waits[2].pk, waits[0].pk]


def test_me_is_the_caller(webchat: Webchat, rep: User) -> None:
    create(webchat)
    mine = create(webchat, assignee=rep)
    assert ids(token_client(rep), "assigneeId=me") == [mine.pk]


@pytest.mark.parametrize(
    "day", ["1999-12-31", "3000-01-01", "31.12.2030", "2030-02-30", "2030-01-01T00:00:00Z"]
)
def test_invalid_day_is_refused(api_client: APIClient, day: str) -> None:
    response = api_client.get(URL, {"lastMessageFrom": day, "lastMessageTo": day})
    assert response.status_code == 400
    fields = {detail["field"] for detail in response.json()["details"]}
    assert fields == {"lastMessageFrom", "lastMessageTo"}


@pytest.mark.parametrize("cursor", ["x", "%00", "W10:bad", "é"])
def test_cursor_that_the_service_did_not_issue_is_invalid(
    api_client: APIClient, cursor: str
) -> None:
    response = api_client.get(f"{URL}?cursor={cursor}&limit=0&state=x&unread=1&rating=6")
    assert response.status_code == 400
    fields = {detail["field"] for detail in response.json()["details"]}
    assert fields == {"cursor", "limit", "state", "unread", "rating"}


def test_filters(api_client: APIClient, webchat: Webchat, rep: User) -> None:
    other = factories.WebchatFactory.create(user=webchat.user)
    waiting = create(webchat, 1, last_sequence=2, organization_read_sequence=1)
    mine = create(other, 2, handler="rep", assignee=rep)
    rating = {"rating_score": 4, "rated_at": NOW}
    closed = create(webchat, 3, state="closed", last_message_preview="My TENT?", **rating)
    stage = factories.StageFactory.create(pipeline__organization=webchat.organization)
    mine.contact.pipeline, mine.contact.stage = stage.pipeline, stage
    mine.contact.save()
    everything = [waiting.pk, mine.pk, closed.pk]
    assert ids(api_client) == everything
    for query, expected in {
        "state=closed": [closed.pk],
        "state=open&handler=waiting": [waiting.pk],
        f"assigneeId={rep.pk}": [mine.pk],
        "assigneeId=me": [],
        f"stageId={stage.pk}": [mine.pk],
        "lastMessageFrom=2030-01-02": [],
        "lastMessageTo=2030-01-01": everything,
        "lastMessageFrom=2030-01-01&lastMessageTo=&state=closed": [closed.pk],
        "assigneeId=none": [waiting.pk, closed.pk],
        f"webchatId={webchat.pk}": [waiting.pk, closed.pk],
        f"contactId={mine.contact_id}": [mine.pk],
        "rating=4": [closed.pk],
        "rating=5": [],
        "unread=true": [waiting.pk],
        "unread=false": [mine.pk, closed.pk],
        "search=tent": [closed.pk],
        f"search={mine.contact.name.upper()}": [mine.pk],
        "state=&handler=&assigneeId=&search=&cursor=": everything,
    }.items():
        assert ids(api_client, query) == expected, query


def test_list_takes_as_many_queries_for_many_rows_as_for_one(
    api_client: APIClient, webchat: Webchat, rep: User
) -> None:
    prompt = factories.PromptFactory.create(organization=webchat.organization)
    counts = []
    for rows in (1, 9):
        for _ in range(rows):
            create(webchat, assignee=rep, prompt=prompt)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert len(ids(api_client, "limit=100")) == (1 if rows == 1 else 10)
        counts.append(len(queries))
    # The caller, and the rows with their contacts.
    assert counts == [2, 2]
