"""``python -m tests.benchmarks.live_sender``: a process that sends messages, for ``live``.

It reads commands from its input, and prints the times of the commits and its CPU time as JSON:

* ``at RATE COUNT SECONDS CONVERSATION…``: ``COUNT`` messages to conversations at random, one after
  another, for ``SECONDS`` at most;
* ``burst EACH SECONDS CONVERSATION…``: ``EACH`` messages to each conversation in one transaction,
  and then the hints that can be sent in ``SECONDS``;
* ``group COUNT``: ``COUNT`` messages to the group ``all`` of the peers, which stores nothing.

The hints have the text of the message, so that the peers need not read the database. With the
argument ``channels``, it sends to Channels' groups instead.
"""

import asyncio
import json
import os
import random
import sys
import time
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webchat_project.settings")
django.setup()

import orjson  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.cache import caches  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.db.models import F  # noqa: E402
from django.utils import timezone  # noqa: E402
from redis import Redis  # noqa: E402

from webchat_project.api.object_ids import new_object_id  # noqa: E402
from webchats.conversations.live.publishing import CHANNEL  # noqa: E402
from webchats.conversations.models import Author, Conversation, Message  # noqa: E402

_redis = Redis.from_url(os.environ["CACHE_URL"])
_CHANNEL = caches["default"].make_key(CHANNEL)
_numbers = iter(range(10**9))
#: The parameters are the text, the conversation, the id of the message, and the text again.
_SEND = """
    WITH row AS (
        UPDATE conversations_conversation
        SET last_sequence = last_sequence + 1, updated_at = clock_timestamp(),
            last_message_at = clock_timestamp(), last_message_author = 'rep',
            last_message_preview = %s
        WHERE id = %s RETURNING id, organization_id, last_sequence
    )
    INSERT INTO conversations_message (
        id, created_at, updated_at, conversation_id, organization_id, sequence,
        author, author_name, kind, text, event, client_key
    )
    SELECT %s, clock_timestamp(), clock_timestamp(), id, organization_id, last_sequence,
        'rep', 'Rep', 'text', %s, '', ''
    FROM row
"""


def _new_text() -> str:
    """Return a text that no other process sends."""
    return f"m{os.getpid()}{next(_numbers):06d}e"


def at_rate(
    rate: float, count: int, seconds: float, ids: list[str], publish: Any
) -> dict[str, float]:
    """Send messages at a rate. Return the time of the commit by text.

    One statement stores what the streams read, so that the cores are left to what is measured.
    """
    chosen = random.choices(ids, k=count)
    rows = Conversation.objects.in_bulk(set(chosen))
    times, started = {}, time.monotonic()
    with connection.cursor() as cursor:
        for number, row in enumerate(map(rows.__getitem__, chosen)):
            time.sleep(max(0, started + number / rate - time.monotonic()))
            if time.monotonic() > started + seconds:
                break
            text = _new_text()
            cursor.execute(_SEND, [text, row.pk, new_object_id(), text])
            times[text] = time.monotonic()
            row.last_sequence += 1
            publish([(row, text)])
    return times


def burst(each: int, seconds: float, ids: list[str], publish: Any) -> dict[str, float]:
    """Send several messages to each conversation at once. Return those whose hint is sent."""
    with transaction.atomic():
        rows = list(Conversation.objects.filter(pk__in=ids))
        sent = [
            Message(
                organization_id=row.organization_id,
                conversation=row,
                sequence=row.last_sequence + 1 + number,
                author=Author.REP,
                author_name="Rep",
                text=_new_text(),
            )
            for number in range(each)
            for row in rows
        ]
        Message.objects.bulk_create(sent, batch_size=5_000)
        Conversation.objects.filter(pk__in=ids).update(
            last_sequence=F("last_sequence") + each, updated_at=timezone.now()
        )
    committed, published = time.monotonic(), 0
    while published < len(sent) and time.monotonic() < committed + seconds:
        some = sent[published : published + 500]
        publish([(row.conversation, row.text) for row in some])
        published += len(some)
    return {row.text: committed for row in sent[:published]}


def group(count: int, publish: Any) -> dict[str, float]:
    """Send messages to the group ``all``, of which each has many receivers."""
    times = {}
    for _ in range(count):
        text = _new_text()
        times[text] = time.monotonic()
        publish([(None, text)])
        time.sleep(1)
    return times


def publish_hints(messages: list[tuple[Conversation | None, str]]) -> None:
    """Publish as the service does, with the text for the peer."""
    pipeline = _redis.pipeline(transaction=False)
    for row, text in messages:
        hint = {
            "type": "conversation",
            "organization": row.organization_id if row else "",
            "webchat": row.webchat_id if row else "",
            "conversation": row.pk if row else "all",
            "visitor": row.visitor_id if row else "all",
            "lastSequence": row.last_sequence if row else 0,
            "text": text,
        }
        pipeline.publish(_CHANNEL, orjson.dumps(hint))
    pipeline.execute()


def channels_publisher() -> Any:
    """Return a function that sends to Channels' groups."""
    from channels_redis.pubsub import RedisPubSubChannelLayer  # noqa: PLC0415

    loop = asyncio.new_event_loop()
    layer = RedisPubSubChannelLayer(hosts=[os.environ["CACHE_URL"]])

    async def send(messages: list[tuple[Conversation | None, str]]) -> None:
        for row, text in messages:
            name = row.visitor_id if row else "all"
            await layer.group_send(f"visitor.{name}", {"type": "message", "text": text})

    return lambda messages: loop.run_until_complete(send(messages))


def main() -> None:
    """Run commands until the input ends."""
    assert settings.configured
    publish = channels_publisher() if "channels" in sys.argv else publish_hints
    for line in sys.stdin:
        cpu = time.process_time()
        command, *arguments = line.split()
        if command == "at":
            rate, count, seconds, *ids = arguments
            times = at_rate(float(rate), int(count), float(seconds), ids, publish)
        elif command == "burst":
            each, seconds, *ids = arguments
            times = burst(int(each), float(seconds), ids, publish)
        else:
            times = group(int(arguments[0]), publish)
        print(json.dumps({"sent": times, "cpu": time.process_time() - cpu}), flush=True)


if __name__ == "__main__":
    main()
