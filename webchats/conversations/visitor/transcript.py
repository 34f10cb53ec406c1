"""The transcript of a conversation as plain text."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from rest_framework.renderers import BaseRenderer

from webchats.conversations.models import Author, Conversation, Message, MessageKind

#: The bytes of a transcript, which is no large response: visitors who read slowly would occupy the
#: places of other anonymous clients. It is built before it is sent, so that none of them holds a
#: database connection.
MAX_BYTES: Final = 250 * 1024
#: Messages that are read from the database at a time.
_PAGE_SIZE: Final = 50
#: Control characters, which could move the cursor of a terminal.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_EVENTS: Final = {
    "closed": "closed the conversation",
    "handed_over": "passed the conversation to the team",
    "joined": "joined the conversation",
    "rated": "rated the conversation",
    "reopened": "reopened the conversation",
}
#: Those without an author's name are the visitor's.
_BY_VISITOR: Final = ("closed", "rated")


class PlainTextRenderer(BaseRenderer):
    """Accepts requests for plain text. The view returns the response itself."""

    media_type = "text/plain"
    format = "txt"

    def render(self, data: Any, *args: object) -> bytes:
        return str(data).encode()


def make_transcript(conversation: Conversation, title: str) -> str:
    """Return the newest messages, as many as fit into ``MAX_BYTES``. Times are in UTC.

    The text of a message is indented, so that it cannot look like a line of the transcript.
    ``title`` is the title of the widget.
    """
    entries: list[str] = []
    head = f"{_one_line(f'Conversation with {title}')}\n"
    left_out = "\nEarlier messages are left out.\n"
    size = len(f"{head}{left_out}".encode())
    for message in _newest_first(conversation):
        entry = "".join(_message_lines(message, title))
        size += len(entry.encode())
        if size > MAX_BYTES:
            entries.append(left_out)
            break
        entries.append(entry)
    return "".join([head, *reversed(entries)])


def _newest_first(conversation: Conversation) -> Iterator[Message]:
    earlier = conversation.messages.order_by("-sequence")
    while rows := list(earlier[:_PAGE_SIZE]):
        yield from rows
        earlier = earlier.filter(sequence__lt=rows[-1].sequence)


def _message_lines(message: Message, title: str) -> Iterator[str]:
    time = _format(message.created_at)
    if message.kind == MessageKind.EVENT:
        event = _EVENTS.get(message.event, message.event.replace("_", " "))
        name = message.author_name or ("Visitor" if message.event in _BY_VISITOR else title)
        yield f"\n{time}  {_one_line(name)} {event}.\n"
    else:
        default = {Author.VISITOR: "Visitor"}.get(Author(message.author), title)
        yield f"\n{time}  {_one_line(message.author_name or default)}:\n"
    for line in message.text.splitlines():
        yield f"    {_CONTROL.sub('', line)}\n"


def _one_line(text: str) -> str:
    return _CONTROL.sub("", " ".join(text.split()))


def _format(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
