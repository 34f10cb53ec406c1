"""The variables of canned replies: their values in a conversation, and those without a value."""

from collections.abc import Mapping
from re import Match
from typing import TypedDict

from django.core.exceptions import ValidationError

from organizations.models import User
from webchats.conversations.models import CannedReply, Conversation
from webchats.conversations.models.canned_reply import VARIABLE


class FilledReply(TypedDict):
    """A canned reply as it is inserted into a message."""

    _id: str
    shortcut: str
    title: str
    text: str
    #: The variables of ``text`` that must be replaced before it is sent.
    unresolved: list[str]


def fill_in_reply(reply: CannedReply, values: Mapping[str, str]) -> FilledReply:
    """Return the reply with the values of ``get_values``."""
    text = fill_in(reply.text, values)
    return {
        "_id": reply.pk,
        "shortcut": reply.shortcut,
        "title": reply.title,
        "text": text,
        "unresolved": find_unresolved(text),
    }


def get_values(conversation: Conversation, user: User) -> dict[str, str]:
    """Return the values of all variables in a message of ``user``. A missing one is empty."""
    contact, webchat = conversation.contact, conversation.webchat
    return {
        "visitor.name": contact.name,
        "visitor.email": contact.email,
        "rep.name": user.public_name,
        "webchat.name": webchat.name if webchat else "",
        "organization.name": conversation.organization.name,
    }


def fill_in(text: str, values: Mapping[str, str]) -> str:
    """Return the text with its variables replaced by their values, or else by their defaults.

    A variable with neither stays. A value is not searched for variables.
    """

    def replace(match: Match[str]) -> str:
        name, default = match.groups()
        return values[name] or (match[0] if default is None else default.strip())

    return VARIABLE.sub(replace, text)


def find_unresolved(text: str) -> list[str]:
    """Return the variables in a text, as they are written, without duplicates."""
    return list(dict.fromkeys(match[0] for match in VARIABLE.finditer(text)))


def validate_filled_in(text: str) -> None:
    """Raise ``ValidationError`` for a text to a visitor that has a variable."""
    if unresolved := find_unresolved(text):
        names = ", ".join(variable[:100] for variable in unresolved[:5])
        message = f"Replace {names} before you send the message."
        raise ValidationError(message, "unresolved_variable")
