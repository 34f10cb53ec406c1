"""The export of everything that is stored about a person, for their request of access."""

from collections.abc import Iterator
from typing import Final

from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from organizations.models import User
from organizations.tenancy.large_responses import reserve_large_response
from webchats.conversations.models import Contact, Conversation
from webchats.conversations.privacy.archive import File, write_archive
from webchats.conversations.privacy.documents import (
    encode,
    encode_conversation,
    encode_list,
    history_of,
    read_rows,
    to_document,
)
from webchats.conversations.privacy.export_page import render_page
from webchats.conversations.privacy.removal import find_merged
from webchats.imports.concurrency import start_export
from webchats.imports.exporter import ExportResponse

_README: Final = """\
This archive contains all data stored about one person who wrote in a chat of
{organization}, as of {time} (UTC).

index.html           to read: the person, and all conversations
contact.json         name, addresses, stage, visited page, first and last visit
moves.json           each change of the stage
history.json         each change of the contact, with the values at that time
merges.json          other contacts that became part of this one
conversations/       a file for each conversation: messages, rating, notes of
                     staff, and the answers that the AI made

Times are in UTC. The contact's id is {contact}.
"""


def export_response(request: HttpRequest, contact: Contact, user: User) -> StreamingHttpResponse:
    """Return the archive as a download, which is made while it is sent.

    Raise ``ExportsBusy`` or ``ResponsesBusy`` while others are sent.
    """
    reserve_large_response(request)
    end = start_export(user.organization_id or user.pk)
    headers = {
        "Content-Type": "application/zip",
        "Content-Disposition": f'attachment; filename="contact-{contact.pk}.zip"',
    }
    return ExportResponse(export_person(contact), headers, end)


def export_person(contact: Contact) -> Iterator[bytes]:
    """Yield the bytes of a ZIP archive. Its memory does not grow with the number of messages."""
    return write_archive(_files(contact))


def _files(contact: Contact) -> Iterator[File]:
    readme = _README.format(
        organization=contact.organization.name,
        time=f"{timezone.now():%Y-%m-%d %H:%M}",
        contact=contact.pk,
    )
    yield "README.txt", [readme]
    yield "index.html", render_page(contact, _read_conversations(contact))
    yield "contact.json", [encode(to_document(contact)), "\n"]
    yield "moves.json", encode_list(read_rows(contact.moves.all()))
    history = history_of([contact.pk, *find_merged([contact.pk])])
    yield "history.json", encode_list(read_rows(history))
    yield "merges.json", encode_list(read_rows(contact.merges.all()))
    for conversation in _read_conversations(contact):
        yield f"conversations/{conversation.pk}.json", encode_conversation(conversation)


def _read_conversations(contact: Contact) -> Iterator[Conversation]:
    rows = Conversation.objects.filter(contact=contact).select_related("webchat")
    return read_rows(rows)
