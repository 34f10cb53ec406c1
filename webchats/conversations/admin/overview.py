"""Automatic answers on the overview: failed providers, webchats without any, a checklist step."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from django.db.models import Exists, OuterRef, Q
from django.urls import reverse

from organizations.ai.providers import get_settings, resolve_provider
from organizations.auth.roles import Operation, role_allows
from organizations.models import AiProvider, Prompt, User
from organizations.overview import Panel, Step
from webchats.conversations.models import KnowledgeEntry
from webchats.models import Webchat, WebchatQuerySet

#: How many webchats are named.
_NAMED: Final = 3


@dataclass(frozen=True)
class WebchatGroup:
    """Webchats with the same problem."""

    count: int = 0
    #: The first ones by name.
    named: tuple[Webchat, ...] = ()

    @property
    def unnamed_count(self) -> int:
        """The number of the others."""
        return self.count - len(self.named)


@dataclass(frozen=True)
class AiPanel:
    """The content of the panel."""

    #: Providers whose last call failed, for users who may change them.
    failed_providers: tuple[AiProvider, ...] = ()
    #: Providers in use that have lost their API key, for the same users.
    keyless_providers: tuple[AiProvider, ...] = ()
    #: Enabled webchats whose active prompt cannot answer: see ``answered_by``.
    unanswered: WebchatGroup = WebchatGroup()
    #: Enabled webchats with an inactive prompt and without autopilot.
    inactive: WebchatGroup = WebchatGroup()


def get_panel(user: User) -> Panel:
    """Return the panel of the user's organization; an empty one for a superuser.

    The number of queries does not depend on the rows.
    """
    content = AiPanel() if user.is_superuser else _get_content(user)
    return Panel(template_name="admin/conversations/overview.html", figures=(), content=content)


def _get_content(user: User) -> AiPanel:
    enabled = Webchat.objects.for_user(user).filter(is_enabled=True).order_by("name", "id")
    # Instructions are long, and not needed here.
    prompts = Prompt.objects.for_user(user).filter(is_active=True).defer("instructions")
    unanswered = [prompt.pk for prompt in _without_answers(user, prompts)]
    return AiPanel(
        failed_providers=tuple(_failed_providers(user)),
        keyless_providers=tuple(_keyless_providers(user)),
        unanswered=_group(enabled.filter(prompt__in=unanswered)),
        # The panel of webchats warns of those with autopilot.
        inactive=_group(enabled.filter(prompt__is_active=False, is_autopilot=False)),
    )


def _group(webchats: WebchatQuerySet[Webchat]) -> WebchatGroup:
    return WebchatGroup(webchats.count(), tuple(webchats[:_NAMED]))


def _failed_providers(user: User) -> Iterator[AiProvider]:
    if role_allows(user.role, Operation.CHANGE, AiProvider):
        called = AiProvider.objects.for_user(user).exclude(last_error_at=None)
        yield from (provider for provider in called if provider.has_failed)


def _keyless_providers(user: User) -> Iterator[AiProvider]:
    if role_allows(user.role, Operation.CHANGE, AiProvider):
        prompts = Prompt.objects.for_user(user).filter(provider=OuterRef("pk"))
        used = AiProvider.objects.for_user(user).filter(Q(is_default=True) | Exists(prompts))
        yield from (provider for provider in used if provider.lacks_api_key)


def _without_answers(user: User, prompts: Iterable[Prompt]) -> Iterator[Prompt]:
    """Yield the active prompts that cannot answer, as ``answered_by`` decides for one of them."""
    entries = KnowledgeEntry.objects.for_user(user).filter(is_active=True)
    has_common_entry = entries.filter(prompts=None).exists()
    with_knowledge = set(entries.order_by().values_list("prompts", flat=True).distinct())
    default = resolve_provider(Prompt(organization_id=user.organization_id))
    providers = AiProvider.objects.for_user(user).select_related("fallback").in_bulk()
    for prompt in prompts:
        provider = providers.get(prompt.provider_id or "")
        settings = get_settings(provider, model=prompt.model) if provider else default
        has_knowledge = has_common_entry or prompt.pk in with_knowledge
        if not settings.is_usable or (settings.is_builtin and not has_knowledge):
            yield prompt


def get_steps(user: User) -> Iterator[Step]:
    """Yield the step of the checklist about knowledge."""
    if user.is_superuser or not role_allows(user.role, Operation.ADD, KnowledgeEntry):
        return
    yield Step(
        title="Write knowledge",
        help_text="Questions with your answers, from which automatic answers are made.",
        is_done=KnowledgeEntry.objects.for_user(user).filter(is_active=True).exists(),
        url=reverse("admin:conversations_knowledgeentry_add"),
        is_optional=True,
    )
