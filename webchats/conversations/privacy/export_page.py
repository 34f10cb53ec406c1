"""The page in an exported archive: a person and their conversations, for people to read."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from webchats.conversations.models import Contact, Conversation, Message
from webchats.conversations.privacy.documents import read_messages, read_rows

_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 45rem; padding: 0 1rem; }
dt { font-weight: 600; }
dd { margin: 0 0 .5rem; overflow-wrap: anywhere; }
p { overflow-wrap: anywhere; white-space: pre-wrap; }
section { border-top: 1px solid; margin-top: 2rem; }
.by { font-size: .875rem; font-weight: 600; margin: 1rem 0 0; }
.by + p { margin: 0; }
"""
_START: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>What {organization} stores about this person, as of {time} (UTC).</p>
<dl>
{details}
</dl>
"""
_END: Final = "</main>\n</body>\n</html>\n"


def render_page(contact: Contact, conversations: Iterable[Conversation]) -> Iterator[str]:
    """Yield the parts of the page."""
    yield format_html(
        _START,
        title=str(contact),
        style=SafeString(_STYLE),
        organization=contact.organization.name,
        time=_format(timezone.now()),
        details=_list(_details(contact)),
    )
    for conversation in conversations:
        yield _render_start(conversation)
        for message in read_messages(conversation):
            yield _render_message(message)
        for note in read_rows(conversation.notes.all()):
            by = f"Note of staff, {_format(note.created_at)}"
            yield format_html('<p class="by">{}</p><p>{}</p>\n', by, note.text)
        yield "</section>\n"
    yield _END


def _format(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"


def _details(contact: Contact) -> dict[str, object]:
    return {
        "Name": contact.name,
        "E-mail address": contact.email,
        "Phone": contact.phone,
        "Stage": contact.stage,
        "Status": contact.status,
        "Language": contact.locale,
        "Last page": contact.page_url,
        "Came from": contact.referrer,
        "First seen": _format(contact.first_seen_at),
        "Last seen": _format(contact.last_seen_at),
    }


def _list(details: Mapping[str, object]) -> SafeString:
    filled = ((name, value) for name, value in details.items() if value)
    return format_html_join("\n", "<dt>{}</dt><dd>{}</dd>", filled)


def _render_start(conversation: Conversation) -> str:
    details = {
        "Webchat": conversation.webchat,
        "Rating": conversation.rating_score,
        "Comment": conversation.rating_comment,
    }
    heading = f"Conversation of {_format(conversation.created_at)}"
    return format_html("<section>\n<h2>{}</h2>\n<dl>{}</dl>\n", heading, _list(details))


def _render_message(message: Message) -> str:
    name = message.author_name or message.get_author_display()
    by = f"{name} ({message.get_author_display()}), {_format(message.created_at)}"
    text = message.text or message.event
    return format_html('<p class="by">{}</p><p>{}</p>\n', by, text)
