"""Requests to push services: RFC 8030, with a message that only the device can read (RFC 8291).

The address of a push service comes from a representative's browser, so requests go through the
transport of AI providers: to public addresses only, without redirects and proxies.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import http_ece
import httpx2
from cryptography.hazmat.primitives.asymmetric import ec

from organizations.ai.guard import MAX_LOOKUPS_OF_ONE, ConnectionRefused, make_http_client
from webchats.conversations.models import PushSubscription
from webchats.conversations.models.push_subscription import decode_key
from webchats.conversations.notifications import vapid
from webchats.conversations.notifications.subscriptions import get_origin

#: Seconds for which a push service keeps a message for a device that is offline.
TTL_SECONDS: Final = 600
#: Seconds until a request that a push service could not accept is sent again, at least and at most.
_MIN_RETRY_SECONDS: Final = 10
_MAX_RETRY_SECONDS: Final = 300
#: Seconds between two parts of a response, and of a request in all.
_READ_SECONDS: Final = 5
_TOTAL_SECONDS: Final = 10
#: Requests of a job to one push service at a time.
_PARALLEL: Final = 20


class Outcome(StrEnum):
    """What became of a message."""

    SENT = "sent"
    #: The subscription has ended, so that it can be deleted.
    GONE = "gone"
    #: The push service is overloaded or unavailable.
    RETRY = "retry"
    #: The push service refuses the message, or may not be connected to.
    REFUSED = "refused"


@dataclass(frozen=True)
class Message:
    """What devices get."""

    #: At most 3,900 bytes, so that the encrypted message has at most 4,096.
    content: bytes
    #: A push service replaces a message that it has not delivered by the next one with its topic:
    #: at most 32 characters of URL-safe Base64.
    topic: str


@dataclass(frozen=True)
class Delivery:
    """The outcome for one device."""

    subscription: PushSubscription
    outcome: Outcome
    #: Why, for the log: a status or the name of an exception.
    reason: str = ""
    #: Seconds until it should be tried again.
    retry_after: float = _MIN_RETRY_SECONDS


async def send_to_devices(
    subscriptions: Sequence[PushSubscription], message: Message, organization_id: str
) -> list[Delivery]:
    """Send the message to each device of an organization, and return the outcomes."""
    by_origin: dict[str, list[PushSubscription]] = {}
    for subscription in subscriptions:
        by_origin.setdefault(get_origin(subscription.endpoint), []).append(subscription)
    slots = asyncio.Semaphore(MAX_LOOKUPS_OF_ONE)

    async def send(origin: str, group: Sequence[PushSubscription]) -> list[Delivery]:
        async with slots:
            return await _send_to_origin(origin, group, message, organization_id)

    groups = await asyncio.gather(*(send(*each) for each in by_origin.items()))
    return [delivery for group in groups for delivery in group]


async def _send_to_origin(
    origin: str, subscriptions: Sequence[PushSubscription], message: Message, organization_id: str
) -> list[Delivery]:
    """Send the message to the devices of one push service, over the same connections."""
    try:
        authorization = vapid.sign(origin)
    except vapid.VapidRefused as error:
        return [Delivery(each, Outcome.REFUSED, type(error).__name__) for each in subscriptions]
    headers = {
        "authorization": authorization,
        "content-encoding": "aes128gcm",
        "content-type": "application/octet-stream",
        "ttl": str(TTL_SECONDS),
        "topic": message.topic,
        "urgency": "high",
    }
    client = make_http_client(
        headers,
        read_seconds=_READ_SECONDS,
        # Name servers that do not respond delay no reply of the AI.
        organization_id=f"{organization_id}:push",
    )
    slots = asyncio.Semaphore(_PARALLEL)
    async with client:
        requests = (_send(client, each, message.content, slots) for each in subscriptions)
        return await asyncio.gather(*requests)


async def _send(
    client: httpx2.AsyncClient,
    subscription: PushSubscription,
    content: bytes,
    slots: asyncio.Semaphore,
) -> Delivery:
    async with slots:
        body = await asyncio.to_thread(_encrypt, subscription, content)
        try:
            async with (
                asyncio.timeout(_TOTAL_SECONDS),
                client.stream("POST", subscription.endpoint, content=body) as response,
            ):
                # The end of an empty body, after which the next request can use the connection.
                async for _ in response.aiter_raw():
                    break
                return _classify(subscription, response)
        except ConnectionRefused:
            return Delivery(subscription, Outcome.REFUSED, "ConnectionRefused")
        except (httpx2.HTTPError, TimeoutError) as error:
            return Delivery(subscription, Outcome.RETRY, type(error).__name__)


def _classify(subscription: PushSubscription, response: httpx2.Response) -> Delivery:
    status = response.status_code
    reason = f"status {status}"
    if 200 <= status < 300:
        return Delivery(subscription, Outcome.SENT, reason)
    if status in (404, 410):
        return Delivery(subscription, Outcome.GONE, reason)
    if status in (408, 429) or status >= 500:
        return Delivery(subscription, Outcome.RETRY, reason, _get_retry_after(response))
    return Delivery(subscription, Outcome.REFUSED, reason)


def _get_retry_after(response: httpx2.Response) -> float:
    """Return the seconds of ``Retry-After`` within the limits. A date counts as absent."""
    value = response.headers.get("retry-after", "")
    seconds = int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0
    return float(min(max(seconds, _MIN_RETRY_SECONDS), _MAX_RETRY_SECONDS))


def _encrypt(subscription: PushSubscription, content: bytes) -> bytes:
    """Return the content as only the device can read it (RFC 8291, ``aes128gcm``)."""
    encrypted: bytes = http_ece.encrypt(
        content,
        # Used once.
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=decode_key(subscription.p256dh),
        auth_secret=decode_key(subscription.auth),
        version="aes128gcm",
    )
    return encrypted
