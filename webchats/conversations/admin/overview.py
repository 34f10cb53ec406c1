"""Automatic answers on the overview: failed providers, webchats without any, a checklist step."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from django.db.models import Exists, OuterRef, Q
from django.urls import reverse

from organizations.ai.providers import Obstacle, get_settings, resolve_provider
from organizations.auth.roles import Operation, role_allows
from organizations.models import AiProvider, Prompt, User
from organizations.overview import Panel, Step
from webchats.conversations.models import KnowledgeEntry
from webchats.models import Webchat

#: How many webchats are named.
_NAMED: Final = 3
#: What prevents answers, beside the obstacles of a provider.
NO_KNOWLEDGE: Final = "no_knowledge"
INACTIVE_PROMPT: Final = "inactive_prompt"
#: The title and the help text of each cause, in the order of the panel.
_TEXTS: Final = {
    Obstacle.NO_API_KEY: (
        "The API key is missing",
        "Until an administrator enters it, the AI provider cannot be called, and a person answers.",
    ),
    Obstacle.UNREADABLE_API_KEY: (
        "The API key cannot be read",
        "Until an administrator enters it again, a person answers.",
    ),
    Obstacle.NO_MODEL: (
        "The model is missing",
        "Enter one in the prompt, or a default model in its AI provider. Until then a person "
        "answers.",
    ),
    NO_KNOWLEDGE: (
        "There is nothing to answer with",
        "Connect an AI provider, or write knowledge. Until then a person answers.",
    ),
    INACTIVE_PROMPT: (
        "The prompt is inactive",
        "No drafts are written. Activate the prompt or choose another one.",
    ),
}


@dataclass(frozen=True)
class Problem:
    """A problem with automatic answers, and the webchats that have it."""

    title: str
    help_text: str
    #: The number of webchats, and the first ones by name.
    count: int
    named: tuple[Webchat, ...]
    #: Providers that cause it, for users who may change them.
    providers: tuple[AiProvider, ...] = ()

    @property
    def unnamed_count(self) -> int:
        """The number of the other webchats."""
        return self.count - len(self.named)


@dataclass(frozen=True)
class AiPanel:
    """The content of the panel."""

    #: Providers whose last call failed, for users who may change them.
    failed_providers: tuple[AiProvider, ...] = ()
    #: What prevents the automatic answers of enabled webchats.
    problems: tuple[Problem, ...] = ()


def get_panel(user: User) -> Panel:
    """Return the panel of the user's organization; an empty one for a superuser.

    The number of queries does not depend on the rows.
    """
    content = AiPanel() if user.is_superuser else _get_content(user)
    return Panel(template_name="admin/conversations/overview.html", figures=(), content=content)


def _get_content(user: User) -> AiPanel:
    return AiPanel(
        failed_providers=tuple(_failed_providers(user)), problems=tuple(_find_problems(user))
    )


def get_condition(user: User) -> Q:
    """Return the condition of the webchats that the panel is about."""
    condition = Q(pk__in=())
    if user.is_superuser:
        return condition
    for alternative in _get_conditions(user).values():
        condition |= alternative
    failed = list(_failed_providers(user))
    condition |= Q(is_enabled=True, prompt__is_active=True, prompt__provider__in=failed)
    if any(provider.is_default for provider in failed):
        condition |= Q(is_enabled=True, prompt__is_active=True, prompt__provider=None)
    return condition


def _get_conditions(user: User) -> dict[str, Q]:
    """Return the condition of enabled webchats without automatic answers, by cause."""
    # Instructions are long, and not needed here.
    prompts = Prompt.objects.for_user(user).filter(is_active=True).defer("instructions")
    causes = dict(_find_causes(user, prompts))
    conditions = {
        cause: Q(is_enabled=True, prompt__in=[pk for pk in causes if causes[pk] == cause])
        for cause in _TEXTS
    }
    # The panel of webchats warns of those with autopilot.
    inactive = Q(is_enabled=True, prompt__is_active=False, is_autopilot=False)
    return {**conditions, INACTIVE_PROMPT: inactive}


def _find_problems(user: User) -> Iterator[Problem]:
    conditions = _get_conditions(user)
    keyless = tuple(_keyless_providers(user))
    for cause, (title, help_text) in _TEXTS.items():
        webchats = Webchat.objects.for_user(user).filter(conditions[cause]).order_by("name", "id")
        problem = Problem(
            title=title,
            help_text=help_text,
            count=webchats.count(),
            named=tuple(webchats[:_NAMED]),
            providers=keyless if cause == Obstacle.NO_API_KEY else (),
        )
        if problem.count or problem.providers:
            yield problem


def _failed_providers(user: User) -> Iterator[AiProvider]:
    if role_allows(user.role, Operation.CHANGE, AiProvider):
        called = AiProvider.objects.for_user(user).exclude(last_error_at=None)
        yield from (provider for provider in called if provider.has_failed)


def _keyless_providers(user: User) -> Iterator[AiProvider]:
    if role_allows(user.role, Operation.CHANGE, AiProvider):
        prompts = Prompt.objects.for_user(user).filter(provider=OuterRef("pk"))
        used = AiProvider.objects.for_user(user).filter(Q(is_default=True) | Exists(prompts))
        yield from (provider for provider in used if provider.lacks_api_key)


def _find_causes(user: User, prompts: Iterable[Prompt]) -> Iterator[tuple[str, str]]:
    """Yield the active prompts that cannot answer, by id, each with the cause.

    They are those for which ``answered_by`` returns a person.
    """
    entries = KnowledgeEntry.objects.for_user(user).filter(is_active=True)
    has_common_entry = entries.filter(prompts=None).exists()
    with_knowledge = set(entries.order_by().values_list("prompts", flat=True).distinct())
    default = resolve_provider(Prompt(organization_id=user.organization_id))
    providers = AiProvider.objects.for_user(user).select_related("fallback").in_bulk()
    for prompt in prompts:
        provider = providers.get(prompt.provider_id or "")
        settings = get_settings(provider, model=prompt.model) if provider else default
        has_knowledge = has_common_entry or prompt.pk in with_knowledge
        if settings.obstacle is not None:
            yield prompt.pk, settings.obstacle
        elif settings.is_builtin and not has_knowledge:
            yield prompt.pk, NO_KNOWLEDGE


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
