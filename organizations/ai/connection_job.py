"""The job behind “Test connection”: one short call of a provider."""

import asyncio
import time
from typing import Final

from organizations.ai.client import ModelRequest, Turn
from organizations.ai.clients import make_client
from organizations.ai.errors import ErrorKind, ProviderError
from organizations.ai.events import End, Usage
from organizations.ai.failures import make_error
from organizations.ai.providers import ProviderSettings, get_settings
from organizations.ai.usage import Reservation, record_error, record_ok, reserve, settle
from organizations.jobs.database import run_query
from organizations.jobs.queue import ClaimedJob
from organizations.models import AiProvider
from organizations.models.ai_usage import Purpose

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
    request = ModelRequest(
        model=settings.model,
        system="",
        turns=(Turn("visitor", "Say hello."),),
        max_tokens=16,
        temperature=1,
        may_hand_over=False,
    )
    client = make_client(settings)
    try:
        reservation = await run_query(_reserve, settings, organization_id)
        started = time.monotonic()
        usage: Usage | None = None
        end_reason: End | ErrorKind = ErrorKind.INCOMPLETE
        try:
            async with asyncio.timeout(settings.first_token_seconds):
                async for event in client.stream(request):
                    if isinstance(event, Usage):
                        usage = event
                    elif isinstance(event, End):
                        end_reason = event
        except TimeoutError:
            end_reason = ErrorKind.TIMEOUT
            raise make_error(ErrorKind.TIMEOUT) from None
        except ProviderError as error:
            end_reason = error.kind
            raise
        finally:
            reason = end_reason.reason if isinstance(end_reason, End) else end_reason
            total_ms = round(1000 * (time.monotonic() - started))
            await run_query(settle, reservation, usage, reason, None, total_ms)
    finally:
        await client.aclose()
