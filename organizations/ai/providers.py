"""Which provider a prompt uses, with the settings of a call. Nothing here imports an SDK."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final

from django.conf import settings

from organizations.ai import encryption
from organizations.models import AiProvider, Prompt
from organizations.models.ai_provider import URLS_WITH_API_KEY, VENDOR_URLS, ProviderKind

DEPLOYMENT_NAME: Final = "Default of the deployment"
BUILTIN_NAME: Final = "Built-in"
_DEPLOYMENT_PARALLEL: Final = 10


class Obstacle(StrEnum):
    """What prevents the calls of a provider."""

    NO_API_KEY = "no_api_key"
    UNREADABLE_API_KEY = "unreadable_api_key"
    NO_MODEL = "no_model"


@dataclass(frozen=True)
class Prices:
    """Prices of a million tokens. ``None``: unknown."""

    input: Decimal | None = None
    output: Decimal | None = None


@dataclass(frozen=True)
class ProviderSettings:
    """What a call needs. ``id`` is ``None`` for the deployment's default and for ``builtin``.

    ``monthly_token_budget`` ``None`` is no limit.
    """

    id: str | None
    name: str
    kind: ProviderKind
    base_url: str
    api_key: str = field(repr=False)
    model: str
    first_token_seconds: float
    total_seconds: float
    max_parallel: int
    monthly_token_budget: int | None
    prices: Prices
    fallback: "ProviderSettings | None" = None
    #: Why the stored API key cannot be used, or empty.
    key_error: str = ""
    #: Whose provider it is; empty for the deployment's default.
    organization_id: str = ""

    @property
    def is_builtin(self) -> bool:
        """Return whether replies come from the search, without a model and a network."""
        return self.kind == ProviderKind.BUILTIN

    @property
    def obstacle(self) -> Obstacle | None:
        """Return why no call can be made, or ``None``.

        An endpoint of the operator's own may need no key. The vendors' do.
        """
        if self.is_builtin:
            return None
        if self.key_error:
            return Obstacle.UNREADABLE_API_KEY
        if not self.api_key and self.base_url in URLS_WITH_API_KEY:
            return Obstacle.NO_API_KEY
        return None if self.model else Obstacle.NO_MODEL

    @property
    def is_usable(self) -> bool:
        """Return whether a call can be made, or answers come from the search."""
        return self.obstacle is None


def resolve_provider(prompt: Prompt) -> ProviderSettings:
    """Return the settings of the provider that the prompt uses. The prompt may be unsaved.

    It is the prompt's, else the organization's default, else the deployment's, else ``builtin``.
    """
    provider = prompt.provider or _default_of(prompt.organization_id)
    if provider is None:
        return _deployment_settings()
    return get_settings(provider, model=prompt.model)


def get_settings(provider: AiProvider, *, model: str = "") -> ProviderSettings:
    """Return the settings of a provider and of its fallback. ``model`` replaces the default one."""
    fallback = provider.fallback
    return _to_settings(
        provider,
        model=model or provider.default_model,
        fallback=_to_settings(fallback, model=fallback.default_model) if fallback else None,
    )


def _default_of(organization_id: str) -> AiProvider | None:
    defaults = AiProvider.objects.for_organization(organization_id).filter(is_default=True)
    return defaults.select_related("fallback").first()


def _to_settings(
    provider: AiProvider, *, model: str, fallback: ProviderSettings | None = None
) -> ProviderSettings:
    kind = ProviderKind(provider.kind)
    api_key, key_error = "", ""
    try:
        api_key = provider.api_key
    except encryption.CannotDecrypt as error:
        key_error = str(error)
    return ProviderSettings(
        id=provider.pk,
        name=provider.name,
        kind=kind,
        base_url=provider.base_url or VENDOR_URLS.get(kind, ""),
        api_key=api_key,
        model=model,
        first_token_seconds=min(provider.first_token_seconds, settings.AI_FIRST_TOKEN_SECONDS),
        total_seconds=min(provider.total_seconds, settings.AI_TOTAL_SECONDS),
        max_parallel=provider.max_parallel,
        monthly_token_budget=provider.monthly_token_budget,
        prices=Prices(_to_decimal(provider.input_price), _to_decimal(provider.output_price)),
        fallback=fallback,
        key_error=key_error,
        organization_id=provider.organization_id,
    )


def _deployment_settings() -> ProviderSettings:
    """Return the settings of ``AI_KIND``. Its model is always ``AI_MODEL``: the operator pays."""
    kind = ProviderKind(settings.AI_KIND)
    is_builtin = kind == ProviderKind.BUILTIN
    return ProviderSettings(
        id=None,
        name=BUILTIN_NAME if is_builtin else DEPLOYMENT_NAME,
        kind=kind,
        base_url=settings.AI_BASE_URL or VENDOR_URLS.get(kind, ""),
        api_key="" if is_builtin else settings.AI_API_KEY,
        model="" if is_builtin else settings.AI_MODEL,
        first_token_seconds=settings.AI_FIRST_TOKEN_SECONDS,
        total_seconds=settings.AI_TOTAL_SECONDS,
        max_parallel=_DEPLOYMENT_PARALLEL,
        monthly_token_budget=settings.AI_MONTHLY_TOKENS or None,
        prices=Prices(),
    )


def _to_decimal(price: float | None) -> Decimal | None:
    return None if price is None else Decimal(str(price))
