"""The API of people's data: roles, progress, and what an archive contains."""

import io
import json
import zipfile
from typing import Any

import pytest
from rest_framework.test import APIClient

from organizations.models import Job, User
from tests.support import factories
from webchats.conversations import services
from webchats.conversations.models import Contact, Conversation, Message, Note
from webchats.conversations.privacy import documents
from webchats.conversations.privacy.erasure import erase, request_erasure
from webchats.conversations.privacy.export import export_person
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


@pytest.fixture
def conversation(webchat: Webchat) -> Conversation:
    """The conversation of a visitor with a name, a note and a rating."""
    sent = services.send_visitor_message(
        webchat=webchat,
        visitor_id="a" * 32,
        text="Where is my order? <b>",
        client_key="1",
        contact={"name": "Grace Hopper", "email": "grace@example.com"},
        page={"url": "https://shop.example.com/cart", "title": "Cart", "referrer": ""},
    )
    conversation = services.close(conversation=sent.message.conversation)
    services.add_note(conversation=conversation, user=webchat.user, text="Waits since Monday")
    factories.DraftFactory.create(conversation=conversation, text="On its way.", state="rejected")
    return services.rate(conversation=conversation, score=4, comment="Quick")


def read_archive(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_archive_has_everything_about_the_person(
    api_client: APIClient, conversation: Conversation
) -> None:
    contact = conversation.contact
    factories.ConversationFactory.create(webchat=conversation.webchat)
    response = api_client.get(f"/api/contacts/{contact.pk}/export")
    assert response.headers["Content-Type"] == "application/zip"
    assert response.headers["Content-Disposition"].endswith(f'"contact-{contact.pk}.zip"')
    files = read_archive(b"".join(response))
    path = f"conversations/{conversation.pk}.json"
    assert [*files] == [
        "README.txt",
        "index.html",
        "contact.json",
        "moves.json",
        "history.json",
        "merges.json",
        path,
    ]
    stored = json.loads(files["contact.json"])
    assert (stored["name"], stored["email"]) == ("Grace Hopper", "grace@example.com")
    assert stored["pageUrl"] == "https://shop.example.com/cart"
    assert [row["name"] for row in json.loads(files["history.json"])] == ["Grace Hopper"]
    everything = json.loads(files[path])
    assert everything["conversation"]["ratingComment"] == "Quick"
    texts = [message["text"] or message["event"] for message in everything["messages"]]
    assert texts == ["Where is my order? <b>", "closed", "rated"]
    assert everything["notes"][0]["text"] == "Waits since Monday"
    assert everything["drafts"][0]["text"] == "On its way."
    assert len(everything["replies"]) == 1
    page = files["index.html"]
    for text in ("Grace Hopper", "Where is my order? &lt;b&gt;", "Waits since Monday", "Quick"):
        assert text in page
    assert json.loads(files["moves.json"]) == []


def test_pages_of_a_long_conversation_follow_one_another(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "_PAGE", 2)
    Message.objects.bulk_create(
        Message(conversation=conversation, sequence=number, author="visitor", text=f"{number}")
        for number in range(4, 10)
    )
    Note.objects.bulk_create(
        Note(conversation=conversation, user=None, text=f"Note {number}") for number in range(4)
    )
    files = read_archive(b"".join(export_person(conversation.contact)))
    everything = json.loads(files[f"conversations/{conversation.pk}.json"])
    assert [row["sequence"] for row in everything["messages"]] == [*range(1, 10)]
    assert len({row["_id"] for row in everything["notes"]}) == 5


def test_only_heads_and_administrators_export_and_only_administrators_erase(
    api: Any, admin: User, rep: User, superuser: User, webchat: Webchat
) -> None:
    head = factories.UserFactory.create(
        organization=admin.organization, access_role="DEPARTMENT_HEAD"
    )
    contact = factories.ContactFactory.create(webchat=webchat)
    path = f"/api/contacts/{contact.pk}"
    for user, export, request in ((rep, 403, 403), (head, 200, 403), (superuser, 200, 202)):
        response = api(user).get(f"{path}/export")
        assert response.status_code == export
        # Another export may start once this one has been read.
        b"".join(response)
        assert api(user).post(f"{path}/erase").status_code == request
    for user in (rep, head):
        assert api(user).get("/api/erasures").status_code == 403
    assert Contact.objects.filter(pk=contact.pk).exists()


def test_a_member_without_the_role_cannot_find_out_whether_a_contact_exists(
    api: Any, rep: User
) -> None:
    theirs = factories.ContactFactory.create()
    for pk in (theirs.pk, "0" * 24):
        assert api(rep).get(f"/api/contacts/{pk}/export").status_code == 404
        assert api(rep).post(f"/api/contacts/{pk}/erase").status_code == 404


def test_second_export_of_an_organization_waits(
    api: Any, admin: User, conversation: Conversation
) -> None:
    path = f"/api/contacts/{conversation.contact_id}/export"
    first = api(admin).get(path)
    assert api(admin).get(path).status_code == 503
    b"".join(first)
    last = api(admin).get(path)
    assert last.status_code == 200
    b"".join(last)


def test_erasure_reports_its_progress(
    api_client: APIClient, admin: User, conversation: Conversation
) -> None:
    response = api_client.post(f"/api/contacts/{conversation.contact_id}/erase")
    assert response.status_code == 202
    document = response.json()["data"]
    path = f"/api/erasures/{document['_id']}"
    assert response.headers["Location"] == path
    expected = {
        "contactId": conversation.contact_id,
        "requestedBy": admin.pk,
        "state": "pending",
        "percent": 0,
        "conversations": 1,
        "messages": 3,
        "deletedMessages": 0,
        "finishedAt": None,
    }
    assert api_client.get(path).json()["data"].items() >= expected.items()
    assert Job.objects.filter(kind="erasure").exists()
    list(erase(request_erasure(contact=conversation.contact, user=admin)))
    done = api_client.get(path).json()["data"]
    assert (done["state"], done["percent"], done["deletedMessages"]) == ("done", 100, 3)
    assert api_client.get(f"/api/contacts/{conversation.contact_id}").status_code == 404
    assert [row["_id"] for row in api_client.get("/api/erasures").json()["data"]] == [done["_id"]]
