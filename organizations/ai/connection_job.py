"""The job behind “Test connection”: one short call of a provider."""

import asyncio
import time
from dataclasses import replace
from typing import Final

from organizations.ai.client import ModelClient, ModelRequest, Turn
from organizations.ai.clients import make_client
from organizations.ai.errors import ErrorKind, ProviderError
from organizations.ai.events import End, EndReason, ModelEvent, Usage
from organizations.ai.failures import make_error
from organizations.ai.providers import ProviderSettings, get_settings
from organizations.ai.results import record_error, record_ok
from organizations.ai.usage import Reservation, reserve, settle
from organizations.jobs.database import run_query
from organizations.jobs.queue import ClaimedJob
from organizations.models import AiProvider
from organizations.models.ai_usage import Purpose

_REQUEST: Final = ModelRequest(
    model="",
    system="",
    turns=(Turn("visitor", "Say hello."),),
    max_tokens=16,
    temperature=1,
    may_hand_over=False,
)
#: Tokens of the request and of the response together.
_ESTIMATE: Final = 100


async def run_connection_test(job: ClaimedJob) -> None:
    """Call the provider, and store the result in ``last_ok_at`` or ``last_error``."""
    settings = await run_query(_load, job.key)
    if settings is None:
        return
    try:
        if not settings.is_builtin:
            await _call(settings, job.organization_id)
    except ProviderError as error:
        await run_query(record_error, settings, error)
    else:
        await run_query(record_ok, settings)


def _load(provider_id: str) -> ProviderSettings | None:
    provider = AiProvider.objects.filter(pk=provider_id).first()
    return None if provider is None else get_settings(provider)


def _reserve(settings: ProviderSettings, organization_id: str) -> Reservation:
    return reserve(
        settings,
        organization_id=organization_id,
        prompt=None,
        prompt_version=0,
        purpose=Purpose.TEST,
        estimate=_ESTIMATE,
    )


async def _call(settings: ProviderSettings, organization_id: str) -> None:
    """Raise ``ProviderError`` unless the provider answers."""
    if not settings.model:
        message = "The provider has no default model. Enter one."
        raise ProviderError(ErrorKind.NOT_FOUND, message)
    client = make_client(settings)
    try:
        reservation = await run_query(_reserve, settings, organization_id)
        started = time.monotonic()
        usage: Usage | None = None
        # That of a canceled test.
        reason: EndReason | ErrorKind = ErrorKind.INCOMPLETE
        try:
            usage, reason = await _read(client, settings)
        except ProviderError as error:
            reason = error.kind
            raise
        finally:
            milliseconds = round(1000 * (time.monotonic() - started))
            await run_query(settle, reservation, usage, reason, None, milliseconds)
    finally:
        await client.aclose()


async def _read(client: ModelClient, settings: ProviderSettings) -> tuple[Usage | None, EndReason]:
    """Return the usage and the end of the call. Raise ``ProviderError`` if it has none in time."""
    request = replace(_REQUEST, model=settings.model)
    try:
        async with asyncio.timeout(settings.first_token_seconds):
            events: list[ModelEvent] = [event async for event in client.stream(request)]
    except TimeoutError:
        raise make_error(ErrorKind.TIMEOUT) from None
    usage = next((event for event in events if isinstance(event, Usage)), None)
    end = events[-1]
    assert isinstance(end, End)
    return usage, end.reason
