"""The look-ups for a new message, compiled once: each visitor's and representative's message needs
them. ``lock_by_id`` and ``has_unsent_text`` also serve the actions that share that code, and
``find_newest`` and ``find_prompt`` the polls of visitors without a stream.

CPU time of a message over HTTP, before these look-ups divided by after: 1.6. A part of it is that
the conversation of a visitor is read once, not twice, and that a representative's message needs no
savepoint. ``python -m tests.benchmarks append`` measures it.
"""

from functools import cache
from types import SimpleNamespace

from organizations.models import Prompt, User
from webchat_project.api.compiled_queries import CompiledGet, CompiledQuery, Placeholder
from webchats.conversations.models import Contact, Conversation, Message, UnsentText
from webchats.models import Webchat


def find_webchat(webchat_id: str) -> Webchat | None:
    """Return the webchat with its organization."""
    return _webchat()(pk=webchat_id)


def find_prompt(webchat: Webchat) -> Prompt | None:
    """Return the webchat's prompt."""
    return _prompt()(pk=webchat.prompt_id) if webchat.prompt_id else None


def find_newest(webchat: Webchat, visitor_id: str) -> Conversation | None:
    """Return the visitor's newest conversation, without a lock."""
    return _newest(is_locked=False)(webchat=webchat.pk, visitor=visitor_id)


def lock_newest(webchat: Webchat, visitor_id: str) -> Conversation | None:
    """Return the visitor's newest conversation, locked until the transaction ends."""
    return _newest(is_locked=True)(webchat=webchat.pk, visitor=visitor_id)


def find_sent_by_visitor(webchat: Webchat, visitor_id: str, client_key: str) -> Message | None:
    """Return the message with the key in any of the visitor's conversations."""
    return _sent_by_visitor()(webchat=webchat.pk, visitor=visitor_id, key=client_key)


def find_contact(contact_id: str) -> Contact | None:
    """Return the contact."""
    return _contact()(pk=contact_id)


def find_for_user(user: User, conversation_id: str) -> Conversation | None:
    """Return the conversation if the user may access it, without a lock."""
    query = _for_user(user.is_superuser)
    return query(organization_id=user.organization_id, pk=conversation_id)


def lock_by_id(conversation_id: str) -> Conversation | None:
    """Return the conversation, locked until the transaction ends."""
    return _conversation()(pk=conversation_id)


def find_sent(conversation: Conversation, client_key: str) -> Message | None:
    """Return the message of the conversation with the key."""
    return _sent()(conversation=conversation.pk, key=client_key)


def has_unsent_text(conversation_id: str, user_id: str) -> bool:
    """Return whether the user has written text in the conversation that is not sent."""
    return bool(_unsent_text().rows(conversation=conversation_id, user=user_id))


@cache
def _webchat() -> CompiledGet[Webchat]:
    rows = Webchat.objects.order_by().filter(pk=Placeholder("pk"))
    return CompiledGet(rows, related="organization")


@cache
def _prompt() -> CompiledGet[Prompt]:
    return CompiledGet(Prompt.objects.order_by().filter(pk=Placeholder("pk")))


@cache
def _newest(*, is_locked: bool) -> CompiledGet[Conversation]:
    locked = Conversation.objects.select_for_update(no_key=True)
    rows = (locked if is_locked else Conversation.objects.all()).filter(
        webchat=Placeholder("webchat"), visitor_id=Placeholder("visitor")
    )
    return CompiledGet(rows.order_by("-created_at", "-id"))


@cache
def _sent_by_visitor() -> CompiledGet[Message]:
    own = Conversation.objects.order_by().filter(
        webchat=Placeholder("webchat"), visitor_id=Placeholder("visitor")
    )
    rows = Message.objects.filter(conversation__in=own, client_key=Placeholder("key"))
    return CompiledGet(rows.order_by())


@cache
def _contact() -> CompiledGet[Contact]:
    return CompiledGet(Contact.objects.order_by().filter(pk=Placeholder("pk")))


@cache
def _for_user(is_superuser: bool) -> CompiledGet[Conversation]:
    user = SimpleNamespace(
        is_superuser=is_superuser, organization_id=Placeholder("organization_id")
    )
    rows = Conversation.objects.for_user(user).order_by()
    return CompiledGet(rows.filter(pk=Placeholder("pk")))


@cache
def _conversation() -> CompiledGet[Conversation]:
    rows = Conversation.objects.select_for_update(no_key=True)
    return CompiledGet(rows.order_by().filter(pk=Placeholder("pk")))


@cache
def _sent() -> CompiledGet[Message]:
    rows = Message.objects.filter(
        conversation=Placeholder("conversation"), client_key=Placeholder("key")
    )
    return CompiledGet(rows.order_by())


@cache
def _unsent_text() -> CompiledQuery:
    rows = UnsentText.objects.filter(
        conversation=Placeholder("conversation"), user=Placeholder("user")
    )
    return CompiledQuery(rows.order_by().values_list("pk")[:1])
