"""Providers and webchats whose conversations the AI answers, in tests."""

from typing import Any

from organizations.models import AiProvider, User
from tests.support import factories
from webchats.models import Webchat


def create_ai_webchat(
    user: User, *, base_url: str = "https://model.example.com/v1", **options: Any
) -> Webchat:
    """Create a webchat whose prompt has a provider that needs no API key."""
    provider = AiProvider.objects.create(
        organization_id=str(user.organization_id),
        name="Model",
        kind="openai",
        base_url=base_url,
        default_model="small",
    )
    prompt = factories.PromptFactory.create(organization=user.organization, provider=provider)
    options.setdefault("is_autopilot", True)
    return factories.WebchatFactory.create(user=user, prompt=prompt, **options)


def create_builtin_webchat(user: User, **options: Any) -> Webchat:
    """Create a webchat whose prompt quotes the organization's one knowledge entry."""
    factories.KnowledgeEntryFactory.create(
        organization=user.organization, question="One Two Three", answer="Four."
    )
    prompt = factories.PromptFactory.create(organization=user.organization)
    options.setdefault("is_autopilot", True)
    return factories.WebchatFactory.create(user=user, prompt=prompt, **options)
