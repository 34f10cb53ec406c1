"""The transcript of a conversation as plain text."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from rest_framework.renderers import BaseRenderer

from webchats.conversations.models import Author, Conversation, Message, MessageKind

#: Messages that are read from the database at a time.
_PAGE_SIZE: Final = 200
#: Control characters, which could move the cursor of a terminal.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_EVENTS: Final = {
    "closed": "closed the conversation",
    "handed_over": "called a person",
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


def transcript_lines(conversation: Conversation, title: str) -> Iterator[str]:
    """Yield the lines of the transcript, each with its line break. Times are in UTC.

    The text of a message is indented, so that it cannot look like a line of the transcript.
    ``title`` is the title of the widget.
    """
    yield f"{_one_line(f'Conversation with {title}')}\n"
    sequence = 0
    while rows := list(
        conversation.messages.filter(sequence__gt=sequence).order_by("sequence")[:_PAGE_SIZE]
    ):
        for row in rows:
            yield from _message_lines(row, title)
        sequence = rows[-1].sequence


def _message_lines(message: Message, title: str) -> Iterator[str]:
    time = _format(message.created_at)
    if message.kind == MessageKind.EVENT:
        event = _EVENTS.get(message.event, message.event.replace("_", " "))
        name = message.author_name or ("Visitor" if message.event in _BY_VISITOR else title)
        yield f"\n{time}  {_one_line(name)} {event}.\n"
        return
    default = {Author.VISITOR: "Visitor"}.get(Author(message.author), title)
    yield f"\n{time}  {_one_line(message.author_name or default)}:\n"
    for line in message.text.splitlines():
        yield f"    {_CONTROL.sub('', line)}\n"


def _one_line(text: str) -> str:
    return _CONTROL.sub("", " ".join(text.split()))


def _format(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
