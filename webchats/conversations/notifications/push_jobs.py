"""The jobs that notify representatives' devices of a conversation by web push."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.core.cache import cache
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from organizations.jobs.database import run_query
from organizations.jobs.queue import ClaimedJob, RetryLater, enqueue, lock_lease
from webchats.conversations.models import Author, Conversation, PushSubscription
from webchats.conversations.notifications.push_service import (
    TTL_SECONDS,
    Delivery,
    Message,
    Outcome,
    send_to_devices,
)
from webchats.conversations.notifications.recipients import find_recipients, needs_rep
from webchats.conversations.notifications.requests import PUSH_RETRY_JOB
from webchats.conversations.notifications.subscriptions import get_origin
from webchats.conversations.presence import load_presence

logger = logging.getLogger("worker")

#: The least time between two notifications of a conversation on a device.
INTERVAL: Final = timedelta(seconds=60)
#: Devices that are notified of one conversation.
_MAX_DEVICES: Final = 500
_NAME_LENGTH: Final = 80
_TEXT_LENGTH: Final = 120


@dataclass(frozen=True)
class Push:
    """A message, and the devices that get it."""

    subscriptions: Sequence[PushSubscription]
    message: Message
    #: When the devices were selected.
    time: datetime
    #: The sequence of the last message that is taken into account.
    sequence: int


async def notify_devices(job: ClaimedJob) -> None:
    """Notify the devices of the representatives whom the conversation ``job.key`` needs.

    Raise ``RetryLater`` within a minute of the last notification.
    """
    prepared = await run_query(_prepare, job.key)
    if prepared is None:
        return
    deliveries = await send_to_devices(
        prepared.subscriptions, prepared.message, job.organization_id
    )
    await run_query(_store, job, prepared, deliveries)


async def retry_device(job: ClaimedJob) -> None:
    """Notify one device whose push service was unavailable, until the message would expire."""
    conversation_id, _, subscription_id = job.key.partition(":")
    until = datetime.fromisoformat(job.payload["until"])
    prepared = await run_query(_prepare_retry, conversation_id, subscription_id)
    if prepared is None or prepared.time > until:
        return
    sent = await send_to_devices(prepared.subscriptions, prepared.message, job.organization_id)
    (delivery,) = sent
    if delivery.outcome == Outcome.RETRY:
        # Each pause is as long as all the time before.
        elapsed = TTL_SECONDS - (until - prepared.time).total_seconds()
        raise RetryLater(max(delivery.retry_after, elapsed))
    await run_query(_store_outcomes, conversation_id, prepared.time, sent)


def _prepare(conversation_id: str) -> Push | None:
    """Return the notification; ``None`` if there is nothing to send. Raise ``RetryLater``."""
    conversation = _find_waiting(conversation_id)
    if conversation is None:
        return None
    now = timezone.now()
    if conversation.pushed_at is not None:
        if conversation.last_sequence <= conversation.pushed_sequence:
            return None
        seconds = (conversation.pushed_at + INTERVAL - now).total_seconds()
        if seconds > 0:
            raise RetryLater(seconds)
    return _make_push(conversation, _find_subscriptions(conversation, now), now)


def _prepare_retry(conversation_id: str, subscription_id: str) -> Push | None:
    conversation = _find_waiting(conversation_id)
    if conversation is None:
        return None
    now = timezone.now()
    found = _find_subscriptions(conversation, now)
    return _make_push(conversation, [each for each in found if each.pk == subscription_id], now)


def _make_push(
    conversation: Conversation, subscriptions: Sequence[PushSubscription], time: datetime
) -> Push | None:
    if not subscriptions:
        return None
    return Push(subscriptions, _make_message(conversation), time, conversation.last_sequence)


def _find_waiting(conversation_id: str) -> Conversation | None:
    """Return the conversation if it needs a representative."""
    rows = Conversation.objects.select_related("contact", "webchat")
    conversation = rows.filter(pk=conversation_id).first()
    return conversation if conversation is not None and needs_rep(conversation) else None


def _find_subscriptions(conversation: Conversation, now: datetime) -> list[PushSubscription]:
    """Return the devices of the recipients who are not away and do not see the inbox.

    Without those that were notified of the conversation in the last minute, which the cache has.
    """
    present = find_recipients(conversation).filter(is_away=False)
    presence = load_presence(conversation.organization_id)
    rows = PushSubscription.objects.filter(user__in=present.order_by()).order_by("-updated_at")
    found = [row for row in rows[:_MAX_DEVICES] if not presence.sees_inbox(row.user_id)]
    times = cache.get_many([_key(conversation.pk, row) for row in found])
    earliest = (now - INTERVAL).timestamp()
    return [row for row in found if times.get(_key(conversation.pk, row), 0) <= earliest]


def _key(conversation_id: str, subscription: PushSubscription) -> str:
    """Return the cache key of the time at which a device was notified of a conversation."""
    return f"pushed:{conversation_id}:{subscription.pk}"


def _make_message(conversation: Conversation) -> Message:
    """Return the JSON that the service worker of the inbox shows. It has less than 2 KB."""
    contact, webchat = conversation.contact, conversation.webchat
    name = (contact.name or contact.email or "A visitor")[:_NAME_LENGTH]
    is_theirs = conversation.last_message_author == Author.VISITOR
    text = conversation.last_message_preview if is_theirs else "Waits for a person."
    content = json.dumps(
        {
            "title": f"{name} · {webchat.name[:_NAME_LENGTH]}" if webchat else name,
            "name": name,
            "text": text if len(text) <= _TEXT_LENGTH else f"{text[: _TEXT_LENGTH - 1]}…",
            "conversationId": conversation.pk,
            "url": reverse("inbox:conversation", args=[conversation.pk]),
        },
        ensure_ascii=False,
    )
    return Message(content.encode(), topic=conversation.pk)


@transaction.atomic
def _store(job: ClaimedJob, push: Push, deliveries: Sequence[Delivery]) -> None:
    """Store the outcomes, and request another attempt for services that were unavailable.

    Raise ``LeaseLost`` if another worker has claimed the job.
    """
    lock_lease(job)
    conversation = Conversation.objects.filter(pk=job.key)
    conversation.update(pushed_at=push.time, pushed_sequence=push.sequence)
    _store_outcomes(job.key, push.time, deliveries)
    for delivery in deliveries:
        if delivery.outcome == Outcome.RETRY:
            enqueue(
                PUSH_RETRY_JOB,
                key=f"{job.key}:{delivery.subscription.pk}",
                organization_id=job.organization_id,
                payload={"until": (push.time + timedelta(seconds=TTL_SECONDS)).isoformat()},
                delay=delivery.retry_after,
            )


def _store_outcomes(conversation_id: str, time: datetime, deliveries: Sequence[Delivery]) -> None:
    by_outcome: dict[Outcome, list[PushSubscription]] = {outcome: [] for outcome in Outcome}
    for delivery in deliveries:
        by_outcome[delivery.outcome].append(delivery.subscription)
        if delivery.outcome == Outcome.REFUSED:
            # Never the endpoint, which is a secret.
            origin = get_origin(delivery.subscription.endpoint)
            logger.warning("%s refuses a notification: %s", origin, delivery.reason)
    sent, gone = (
        [subscription.pk for subscription in by_outcome[outcome]]
        for outcome in (Outcome.SENT, Outcome.GONE)
    )
    PushSubscription.objects.filter(pk__in=sent).update(last_success_at=time)
    PushSubscription.objects.filter(pk__in=gone).delete()
    times = {_key(conversation_id, each): time.timestamp() for each in by_outcome[Outcome.SENT]}
    cache.set_many(times, INTERVAL.total_seconds())
