"""Which prompt answers a conversation, and whether the AI can answer at all."""

from typing import Literal, TypeAlias

from organizations.ai.providers import resolve_provider
from organizations.models import Prompt
from webchats.conversations.models import Conversation, KnowledgeEntry
from webchats.models import Webchat

#: What would answer a new conversation: a model, the search in the organization's own answers, or
#: a person.
AnsweredBy: TypeAlias = Literal["ai", "builtin", "person"]


def get_prompt_owner(conversation: Conversation) -> Conversation | Webchat | None:
    """Return whose prompt answers: the conversation, or else its webchat."""
    return conversation if conversation.prompt_id else conversation.webchat


def get_prompt(conversation: Conversation) -> Prompt | None:
    """Return the prompt that answers."""
    owner = get_prompt_owner(conversation)
    return owner.prompt if owner else None


def is_autopilot(conversation: Conversation) -> bool:
    """Return whether the visitor gets replies without the approval of a representative."""
    if conversation.is_autopilot is not None:
        return conversation.is_autopilot
    webchat = conversation.webchat
    return choose_autopilot(None, webchat.is_autopilot if webchat else None)


def choose_autopilot(conversation: bool | None, webchat: bool | None) -> bool:
    """Return the setting of the conversation, else that of its webchat. ``None``: there is none."""
    return bool(webchat) if conversation is None else conversation


def can_answer(conversation: Conversation) -> bool:
    """Return whether the AI can answer the conversation."""
    return answered_by(get_prompt(conversation)) != "person"


def answered_by(prompt: Prompt | None) -> AnsweredBy:
    """Return the kind of author that answers with this prompt.

    A person, unless the prompt is active and its provider can be called. The built-in provider
    needs an active knowledge entry for the prompt.
    """
    if prompt is None or not prompt.is_active:
        return "person"
    provider = resolve_provider(prompt)
    if provider.is_builtin:
        has_knowledge = KnowledgeEntry.objects.for_prompt(prompt).exists()
        return "builtin" if has_knowledge else "person"
    return "ai" if provider.is_usable else "person"
