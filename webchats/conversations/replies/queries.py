"""The look-ups of a reply, compiled once: each reply needs them at its start or its end.

CPU time of the start and the end of a reply, before these look-ups divided by after: 1.4.
"""

from functools import cache

from django.db.models import Q

from organizations.models import AiProvider, Prompt
from webchat_project.api.compiled_queries import CompiledGet, Placeholder
from webchats.conversations.knowledge.history import CLOSED, MAX_MESSAGES
from webchats.conversations.models import Conversation, Draft, Message, MessageKind, Reply


def load_newest(conversation: Conversation) -> list[Message]:
    """Return the last 20 texts and closings, newest first. Drafts are no messages."""
    return _newest().all(conversation=conversation.pk)


def find_pending_draft(conversation: Conversation) -> Draft | None:
    """Return the draft that waits for a decision."""
    return _pending_draft()(conversation=conversation.pk)


def find_prompt(prompt_id: str) -> Prompt | None:
    """Return the prompt with its provider."""
    prompt = _prompt()(pk=prompt_id)
    if prompt is not None and prompt.provider_id is not None:
        prompt.provider = _provider()(pk=prompt.provider_id)
    return prompt


def find_running(reply_id: str) -> Reply | None:
    """Return the reply if it is being made."""
    return _running()(pk=reply_id)


@cache
def _newest() -> CompiledGet[Message]:
    wanted = Q(kind=MessageKind.TEXT) | Q(event=CLOSED)
    rows = Message.objects.filter(wanted, conversation=Placeholder("conversation"))
    return CompiledGet(rows.order_by("-sequence"), limit=MAX_MESSAGES)


@cache
def _pending_draft() -> CompiledGet[Draft]:
    rows = Draft.objects.pending().filter(conversation=Placeholder("conversation"))
    return CompiledGet(rows.order_by())


@cache
def _prompt() -> CompiledGet[Prompt]:
    return CompiledGet(Prompt.objects.order_by().filter(pk=Placeholder("pk")))


@cache
def _provider() -> CompiledGet[AiProvider]:
    return CompiledGet(AiProvider.objects.order_by().filter(pk=Placeholder("pk")))


@cache
def _running() -> CompiledGet[Reply]:
    return CompiledGet(Reply.objects.running().order_by().filter(pk=Placeholder("pk")))
