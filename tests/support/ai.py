"""Settings and calls of language models for tests."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from organizations.ai.client import ModelClient, ModelRequest, Turn
from organizations.ai.clients import make_client
from organizations.ai.events import ModelEvent
from organizations.ai.providers import Prices, ProviderSettings
from organizations.models.ai_provider import ProviderKind
from tests.support import event_loops

API_KEY = "sk-known-key-of-the-tests-Wq7Z"

REQUEST = ModelRequest(
    model="model-1",
    system="Answer in one sentence.",
    turns=(Turn("visitor", "When are you open?"),),
    max_tokens=200,
    temperature=0.5,
)


def make_settings(base_url: str, kind: str = "openai", **values: Any) -> ProviderSettings:
    """Return the settings of a provider that is not stored."""
    settings = ProviderSettings(
        id=None,
        name="Model of the tests",
        kind=ProviderKind(kind),
        base_url=base_url,
        api_key=API_KEY,
        model="model-1",
        first_token_seconds=2,
        total_seconds=6,
        max_parallel=10,
        monthly_token_budget=None,
        prices=Prices(),
    )
    return replace(settings, **values)


async def collect(client: ModelClient, request: ModelRequest = REQUEST) -> list[ModelEvent]:
    """Return the events of a call, and close the client."""
    try:
        return [event async for event in client.stream(request)]
    finally:
        await client.aclose()


def call(
    settings: ProviderSettings,
    request: ModelRequest = REQUEST,
    make: Callable[[ProviderSettings], ModelClient] = make_client,
) -> list[ModelEvent]:
    """Return the events of a call."""
    return event_loops.run(collect(make(settings), request))
