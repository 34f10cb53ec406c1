"""After an erasure, neither a dump of the database nor the storage has anything of the person."""

import os
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import connection

from organizations.jobs import queue
from organizations.jobs.execution import run_job
from tests.deployment.backup import find_tools
from tests.support import event_loops, factories
from webchats.conversations import services
from webchats.conversations.models import (
    Author,
    Contact,
    Message,
    Reply,
    RetainedConversation,
    SavedView,
)
from webchats.conversations.privacy.erasure import request_erasure
from webchats.conversations.services.merges import merge_contacts
from webchats.models import Webchat
from webchats.models.imports import ImportedRows, PendingImport

#: Words of which each is stored in another place, and that are nowhere else.
WORDS: Final = {
    "name": "Zuzanna Przykladowa",
    "former name": "Zuza Dawniej",
    "merged name": "Suzanna Polaczona",
    "e-mail": "zuzanna.przykladowa@example.com",
    "phone": "+48 555 017 442",
    "page": "cart-of-zuzanna",
    "message": "zamowieniezgubione",
    "note": "notatkawewnetrzna",
    "answer": "odpowiedzrepa",
    "reply": "odpowiedzmodelu",
    "draft": "szkicmodelu",
    "comment": "komentarzoceny",
    "reason": "powododrzucenia",
    "unsent": "niewyslanytekst",
}

pytestmark = pytest.mark.django_db(transaction=True)


def create_person(webchat: Webchat) -> Contact:
    """Store something in every place that can have personal data."""
    user = webchat.user
    send = services.send_visitor_message(
        webchat=webchat,
        visitor_id="a" * 32,
        text=WORDS["message"],
        client_key="1",
        contact={
            "name": WORDS["former name"],
            "email": WORDS["e-mail"],
            "phone": WORDS["phone"],
        },
        page={"url": f"https://shop.example.com/{WORDS['page']}", "title": "", "referrer": ""},
    )
    conversation = send.message.conversation
    reply: Reply = factories.ReplyFactory.create(
        conversation=conversation, state="drafted", text=WORDS["reply"]
    )
    draft = factories.DraftFactory.create(
        conversation=conversation, reply=reply, text=WORDS["draft"]
    )
    services.reject_draft(draft=draft, user=user, version=1, reason="tone", comment=WORDS["reason"])
    services.add_note(conversation=conversation, user=user, text=WORDS["note"])
    services.send_rep_message(
        conversation=conversation, user=user, text=WORDS["answer"], client_key="2"
    )
    services.save_unsent_text(conversation=conversation, user=user, text=WORDS["unsent"])
    services.close(conversation=conversation)
    services.rate(conversation=conversation, score=2, comment=WORDS["comment"])
    contact = Contact.objects.get()
    contact.name = WORDS["name"]
    contact.save()
    merged = factories.ContactFactory.create(webchat=webchat, name=WORDS["merged name"])
    merge_contacts(kept=contact, removed=merged, user=user)
    LogEntry.objects.log_actions(user.pk, [contact], CHANGE, change_message="Changed name")
    SavedView.objects.create(
        organization=contact.organization,
        user=user,
        name="Mine",
        query=f"search={WORDS['e-mail'].replace('@', '%40')}",
    )
    PendingImport.objects.create(
        organization=contact.organization,
        user=user,
        file_name="contacts.csv",
        content=WORDS["name"].encode(),
        resource=ImportedRows.CONTACTS,
    )
    return contact


def dump() -> bytes:
    """Return the contents of the database, as ``pg_dump`` or the files have them."""
    if connection.vendor == "sqlite":
        path = str(connection.settings_dict["NAME"])
        connection.close()
        files = [Path(path + suffix) for suffix in ("", "-wal")]
        return b"".join(file.read_bytes() for file in files if file.exists())
    parameters: Any = connection.get_connection_params()
    parts = ("user", "password", "host", "port", "dbname")
    user, password, host, port, name = (parameters.get(part, "") for part in parts)
    url = f"postgres://{user}:{password}@{host}:{port}/{name}"
    programs = find_tools(url)
    if programs is None:
        reason = "No pg_dump of the server's version or newer: install postgresql-client."
        assert "CI" not in os.environ, reason
        pytest.skip(reason)
    done = subprocess.run([programs / "pg_dump", url], capture_output=True, check=True)
    return done.stdout


def find(words: dict[str, str], *contents: bytes) -> list[str]:
    return [
        place
        for place, word in words.items()
        if any(word.encode() in content for content in contents)
    ]


def test_no_word_of_an_erased_person_is_in_a_dump_or_in_the_storage(webchat: Webchat) -> None:
    contact = create_person(webchat)
    other = services.send_visitor_message(
        webchat=webchat, visitor_id="b" * 32, text="cudzawiadomosc", client_key="1"
    )
    assert find(WORDS, dump()) == [*WORDS]
    erasure = request_erasure(contact=contact, user=webchat.user)
    (job,) = queue.claim(["erasure"])
    event_loops.run(run_job(job))
    erasure.refresh_from_db()
    assert erasure.state == "done"
    stored = Path(settings.STORAGES["icons"]["OPTIONS"]["location"])
    files = [file.read_bytes() for file in stored.rglob("*") if file.is_file()]
    after = dump()
    assert find(WORDS, after, *files) == []
    # What is not of the person is still there, and so are the figures.
    assert b"cudzawiadomosc" in after
    assert Message.objects.get(author=Author.VISITOR) == other.message
    assert RetainedConversation.objects.get().rating_score == 2
