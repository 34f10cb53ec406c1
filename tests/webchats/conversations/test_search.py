"""The search in messages and contacts, on PostgreSQL by words and on SQLite by texts."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from organizations.models import User
from tests.support import factories
from tests.support.clients import log_in, token_client
from webchats.conversations import search, services
from webchats.conversations.models import Conversation, Message
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

Write = Callable[..., Conversation]


@pytest.fixture
def write() -> Write:
    """``write(webchat, *texts)`` sends messages as a new visitor."""

    def send(webchat: Webchat, *texts: str, name: str = "") -> Conversation:
        visitor_id = f"{Conversation.objects.count():032x}"
        for text in texts:
            services.send_visitor_message(
                webchat=webchat,
                visitor_id=visitor_id,
                text=text,
                client_key=f"key-{Message.objects.count()}",
                contact={"name": name},
            )
        return Conversation.objects.get(visitor_id=visitor_id)

    return send


def find(user: User, text: str, **filters: Any) -> set[str]:
    response = token_client(user).get("/api/conversations", {"search": text, **filters})
    assert response.status_code == 200, response.content
    return {document["_id"] for document in response.json()["data"]}


def test_words_of_any_message_find_the_conversation(
    webchat: Webchat, admin: User, write: Write
) -> None:
    tent = write(
        webchat, "Where is my TENT, order no. 4711/b?", "I'm at ada@example.com", "Thanks!"
    )
    boots = write(webchat, "Dürfen Zelte nass werden?", name="Grace Tentmaker47110")
    for text, found in {
        "tent": [tent, boots],
        "tent order": [tent],
        "order 4711": [tent],
        "4711/b": [tent],
        "my tent": [tent],
        "ada@example": [tent],
        "example.com": [tent],
        "dürf": [boots],
        "zelte NASS": [boots],
        "Grace Tent": [boots],
        # Contacts with the number are found by it, and compared.
        "tentmaker4711": [boots],
        "Grace Tentmaker47110": [boots],
        "Ada Tentmaker47110": [],
        "tent zelte": [],
        "???": [],
        "' & | ! :* \\ <->": [],
    }.items():
        assert find(admin, text) == {row.pk for row in found}, text
    assert find(admin, "tent", state="closed") == set()


def test_messages_beyond_the_newest_conversations_are_found_by_the_index(
    webchat: Webchat, admin: User, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no index of messages.")
    old = write(webchat, "Where is my tent?", "Thanks!", name="Ada")
    write(webchat, "Hello")
    monkeypatch.setattr(search, "FIRST_ROWS", 1)
    monkeypatch.setattr(search, "UNINDEXED_ROWS", 1)
    for text in ("tent", "ten", "my tent", "ada"):
        assert find(admin, text) == {old.pk}, text
    # The middle of a word is found in the newest only.
    assert find(admin, "ent") == set()
    for text, notice in (("my ten", "in the newest 1 conversations only"), ("tent", "")):
        page = log_in(admin).get(reverse("inbox:list"), {"search": text}).content.decode()
        assert ("Parts of words are found" in page) == bool(notice), text
        assert notice in page
    monkeypatch.setattr(search, "FIRST_ROWS", 2)
    assert find(admin, "ent") == {old.pk}


def test_pages_list_a_frequent_text_without_the_index(
    webchat: Webchat, admin: User, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [write(webchat, f"Hello {number}", name="Ada") for number in range(7)]
    newest_first = [row.pk for row in reversed(rows)]
    monkeypatch.setattr(search, "FIRST_ROWS", 2)
    monkeypatch.setattr(search, "UNINDEXED_ROWS", 4)
    if connection.vendor == "postgresql":
        monkeypatch.setattr(search, "find_hits", None)
    client = token_client(admin)
    for text in ("ell", "ada"):
        found: list[str] = []
        query = {"search": text, "limit": "2"}
        # The last page cannot be full, so that the index would be read for it.
        while len(found) < 4:
            answer = client.get("/api/conversations", query).json()
            found += [document["_id"] for document in answer["data"]]
            query["cursor"] = answer["pagination"]["next"]
        assert found == newest_first[:4], text


def test_index_finds_some_of_the_older_conversations(
    webchat: Webchat, admin: User, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [write(webchat, f"Hello {number}", name="Ada") for number in range(4)]
    monkeypatch.setattr(search, "MAX_HITS", 1)
    monkeypatch.setattr(search, "FIRST_ROWS", 2)
    monkeypatch.setattr(search, "UNINDEXED_ROWS", 2)
    services.close(conversation=rows[3])
    for text in ("hello", "ada"):
        assert find(admin, text) >= {rows[2].pk, rows[3].pk}, text
        # The newest that match the other filters.
        assert find(admin, text, state="open") >= {rows[1].pk, rows[2].pk}, text
    page = log_in(admin).get(reverse("inbox:list"), {"search": "hello"}).content.decode()
    is_limited = connection.vendor == "postgresql"
    assert ("not all of the older ones are listed" in page) == is_limited


def test_search_finds_no_words_of_other_organizations(
    webchat: Webchat, admin: User, other_admin: User, superuser: User, write: Write
) -> None:
    own = write(webchat, "Where is my tent?")
    foreign = factories.WebchatFactory.create(user=other_admin)
    # The index has the id of the organization, which is no word of the messages.
    theirs = write(foreign, f"A tent of @{webchat.organization_id}")
    assert find(admin, "tent") == {own.pk}
    assert find(admin, webchat.organization_id) == set()
    assert find(admin, webchat.organization_id[:4]) == set()
    assert find(superuser, "tent") == {own.pk, theirs.pk}


def test_index_has_lists_of_each_organization(
    webchat: Webchat,
    admin: User,
    other_admin: User,
    superuser: User,
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no index of messages.")
    foreign = factories.WebchatFactory.create(user=other_admin)
    own, theirs = write(webchat, "My red tent"), write(foreign, "My blue tent")
    newest = {write(webchat, "Hello").pk, write(foreign, "Hello").pk}
    monkeypatch.setattr(search, "FIRST_ROWS", 1)
    monkeypatch.setattr(search, "UNINDEXED_ROWS", 2)
    for text, found in {
        "tent": own,
        "my tent": own,
        "tent red": own,
        "blue": None,
        "my blue": None,
    }.items():
        assert find(admin, text) == ({found.pk} if found else set()), text
    assert find(other_admin, "my tent") == {theirs.pk}
    # The words of the index are each of one organization.
    assert find(superuser, "hello") == newest
    assert find(superuser, "tent") == set()


def test_messages_with_long_words_are_stored_and_found(
    webchat: Webchat, admin: User, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no index of messages.")
    # Longer than PostgreSQL allows, some only with the organization or in lower case.
    words = ["a" * 4_000, "b" * 2_040, "\u00e4" * 1_015, "\u023a" * 680, "\u5e10" * 4_000]
    rows = [write(webchat, f"'\\ tent {word}"[:4_000]) for word in words]
    write(webchat, "Hello")
    monkeypatch.setattr(search, "FIRST_ROWS", 1)
    monkeypatch.setattr(search, "UNINDEXED_ROWS", 1)
    assert find(admin, "tent") == {row.pk for row in rows}
    for word, row in zip(words, rows, strict=True):
        assert find(admin, word[:200]) == {row.pk}, word


def test_a_percent_sign_is_no_wildcard(webchat: Webchat, admin: User, write: Write) -> None:
    write(webchat, "hi", name="100%off today")
    write(webchat, "hi", name="100 pieces of coffee")
    response = token_client(admin).get("/api/contacts", {"search": "100%off"})
    assert [row["name"] for row in response.json()["data"]] == ["100%off today"]


def test_search_takes_two_queries_more(webchat: Webchat, admin: User, write: Write) -> None:
    for number in range(3):
        write(webchat, f"Tent {number}")
    counts = []
    for text in ("", "tent"):
        with CaptureQueriesContext(connection) as queries:
            assert len(find(admin, text)) == 3
        counts.append(len(queries))
    assert counts[1] - counts[0] <= 2
